"""How the registry beside this folder was made (`build`), what its numbers rest on (`search`), and a walk (`demo`)."""
