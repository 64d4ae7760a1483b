"""Several adapters into one: a plan, and for each module a method on the updates that meet there."""
