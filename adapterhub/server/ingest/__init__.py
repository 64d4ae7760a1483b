"""How bytes of clients come into the store: checked on the way, and nothing left of what was wrong."""
