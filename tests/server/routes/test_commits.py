"""The list of commits, and what a page of it may cost."""

from adapterhub.reference import Name


def test_a_page_begins_at_its_commit_and_reads_none_before_it(hub):
    hub.create()
    for number in range(5):
        hub.commit({"a.txt": b"%d" % number})
    ids = [row["id"] for row in hub.get("/api/models/{repo}/commits/main").json()]
    history = hub.server.hub.desk.store.history
    lost = history.path(Name(hub.namespace, "poet"), ids[1])
    data = lost.read_bytes()
    lost.unlink()  # the page begins after it
    told = hub.get(f"/api/models/{{repo}}/commits/main?cursor={ids[2]}&limit=2")
    assert [row["id"] for row in told.json()] == ids[2:4]
    lost.write_bytes(data)


def test_a_cursor_that_is_no_commit_is_not_found(hub):
    hub.filled()
    for cursor in ("nonsense", "0" * 40, "main", "..%2f..%2fmain", "%f0%9f%99%82" * 50):
        answer = hub.get(f"/api/models/{{repo}}/commits/main?cursor={cursor}")
        assert answer.status_code == 404
        assert answer.json()["hint"]
