"""What the values of an adapter say: broken, dead and outlying updates, and those another adapter has too."""
