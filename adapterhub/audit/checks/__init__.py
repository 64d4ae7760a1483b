"""What the audit looks for: a function for each check, in families; `table` names them all."""
