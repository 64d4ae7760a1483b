"""Adapters into the weights of a checkpoint (`fuse`), and out of what differs between two (`extract`)."""
