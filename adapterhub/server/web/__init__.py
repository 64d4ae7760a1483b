"""The pages that people read: what a registry holds, rendered here, readable without a script."""
