"""`python -m adapterhub`."""

from adapterhub.cli.app import main

main()
