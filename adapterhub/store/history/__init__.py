"""The history of repositories, as files: commits, branches and tags."""
