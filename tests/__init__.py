"""The tests mirror the package; `house` holds the rules of the house."""
