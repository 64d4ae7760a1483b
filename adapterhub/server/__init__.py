"""`adapterhub serve`: a registry over HTTP, in the words that clients of the Hugging Face Hub speak.

The way of a request (app.py): log -> web/people (errors as pages) -> raw_path -> limits -> one of routes/table, which
asks access who it is and reach which repository, lets a verb of verbs/hub_* do it, and answers in the words of
protocols/hf_hub. Bytes come in through ingest/ and go out through sending (blob, nginx by X-Accel-Redirect, redirects).
What one client may cost is said in limits, sizes, room, turns and claims; links and tokens are what others come back
with. warming reads aside. web/ makes the pages.
"""
