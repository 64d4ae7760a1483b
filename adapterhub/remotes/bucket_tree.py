"""Where things lie in a bucket: at the paths of a store, below the bucket's URL."""

from pathlib import Path

from adapterhub.store.layout import Layout

__all__ = ["PROBE", "TREE"]

TREE = Layout(Path())

PROBE = TREE.incoming / "probe"
"""What is overwritten to see whether that can be forbidden."""
