"""What a person does, one verb a file. Each is a function over a desk: a store, and the way to everything else.

Those of the server: hub_repos makes, moves, deletes and shows a repository; hub_commit takes a commit, hub_gate lets it
in, hub_publish makes a version of it; hub_history lays versions that came by other ways, hub_look looks into what is
there, hub_refs moves tags and branches; hub_model, hub_list and hub_fit are what is told of one, of all, and of a base.
"""
