"""Who a base is: cards of digests, and how its tensors are called."""
