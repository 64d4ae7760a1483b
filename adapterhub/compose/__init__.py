"""Several adapters put together: on a live model, into one adapter, into the weights of their base."""
