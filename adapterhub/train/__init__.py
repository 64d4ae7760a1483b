"""The trainer: data in, an adapter out. It knows no registry: `verbs.train` gives it folders and publishes."""
