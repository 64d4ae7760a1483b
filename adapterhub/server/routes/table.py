"""The parts of the server: a name, and the module that has its `router`. A new part is one line and one file."""

ROUTES = {
    "health": "health",
    "whoami": "whoami",
    "repos": "repos",
    "models": "models",
    "info": "info",
    "tree": "tree",
    "refs": "refs",
    "tags": "tags",
    "commits": "commits",
    "preupload": "preupload",
    "commit": "commit",
    "lfs": "lfs",
    "lfs_links": "lfs_links",
    "xet": "xet",
    "resolve": "resolve",
    "cards": "cards",
    "headers": "headers",
    "absent": "absent",
    "web": "pages",
}
"""The order counts: a router is asked after those before it. `absent` answers for what is no model; the pages come
last, since any two words may be an adapter."""
