"""Pages are run as they stand: what they tell a person to type, on a machine like theirs."""
