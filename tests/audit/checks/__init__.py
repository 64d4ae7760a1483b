"""The checks of the fit report."""
