"""Random requests that schemathesis makes of a server's OpenAPI document: one JSON document in, one out.

In: url, token, requests, seed; known (words for parameters and fields, by their names), places (parameters that belong
together), rows (lines of a commit, its header first), bodies (a part of a path, or the digest in it -> base64), part
(bytes of a part of a file), secrets (what no answer may hold, unless the request does). Out: how many requests, which
statuses each operation gave, and the faults.
"""

import base64
import copy
import itertools
import json
import random
import re
import sys
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any
from urllib.parse import quote, unquote

REPOSITORY = "/{namespace}/{repository}"
PAGES = (
    "/", "/bases", "/bases/{card}", "/static/{file}", "/login", "/logout", REPOSITORY,
    f"{REPOSITORY}/tree/{{revision}}", f"{REPOSITORY}/tree/{{revision}}/{{path}}",
    f"{REPOSITORY}/blob/{{revision}}/{{path}}", f"{REPOSITORY}/commits/{{revision}}",
    f"{REPOSITORY}/commit/{{revision}}",
)  # fmt: skip
"""What stands in no document, because people read it."""

HEADERS = {
    "Accept": ("text/html", "*/*", "application/json;q=0", ""),
    "Range": ("bytes=0-0", "bytes=5-1", "bytes=-3", "bytes=0-1,2-3", f"bytes={'9' * 30}-", "lines=1-2", "bytes=-"),
    "If-None-Match": ("*", '"x"', "W/"),
    "If-Range": ('"x"', "Wed, 21 Oct 2015 07:28:00 GMT"),
    "Content-Range": ("bytes 0-1/2", "bytes 5-9/10", "bytes */*", "bytes 0-0/0"),
    "Content-Type": ("application/json", "application/x-ndjson", "multipart/form-data; boundary=x", "text/plain"),
    "Content-Encoding": ("gzip", "br"),
    "Authorization": ("Bearer", "Bearer hf_ahub_x", "Basic eDp5", "Basic %%%", "Digest x", "Bearer \xff"),
    "X-HTTP-Method-Override": ("DELETE",),
}
HREF = re.compile(r'/(\w+)/(\w+)\.git/info/lfs/objects/([0-9a-f]{64})(?:/parts/([0-9])|/(complete))?\?link=([^"]+)"')
WILD = (None, 0, -1, 1.5, True, "", "x", [], {}, "\ud800", "../x", "a/" * 300, 10**30)
TRACES = ("Traceback (most recent", 'File "', "sqlite3.", "site-packages")
FULL = 507
"""No room for what was announced: what is announced here is often more than any disk has."""

FAULTS, WORDS = 40, 300
"""Of so many faults is told, and of each long text so many letters."""


class Attack:
    """One run: what is known so far, and what came of it."""

    def __init__(self, asked: dict[str, Any]) -> None:
        import requests

        self.url, self.token, self.known = asked["url"], asked["token"], asked["known"]
        self.places, self.rows, self.secrets = asked["places"], asked["rows"], asked["secrets"]
        self.part: int = asked["part"]
        self.bodies = {part: base64.b64decode(body) for part, body in asked["bodies"].items()}
        self.links: dict[str, list[dict[str, str]]] = {}
        self.depots: list[dict[str, str]] = []
        self.statuses: dict[str, Counter[int]] = {}
        self.faults: list[str] = []
        self.count, self.session = 0, requests.Session()

    def ask(self, dice: random.Random, case: Any) -> None:
        """Send a case, and look at the answer."""
        token, self.count = self.aim(case, dice), self.count + 1
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        for name in dice.sample(sorted(HEADERS), dice.choice((0, 0, 0, 0, 1, 2))):
            headers[name] = dice.choice(HEADERS[name])
        try:
            sent = case.as_transport_kwargs(base_url=self.url, headers=headers)
            if case.method in ("PUT", "POST") and case.media_type is None:
                sent["data"] = self.body(case, dice)
            answer = self.session.request(**sent | {"url": self.address(case)}, allow_redirects=False, timeout=60)
        except (ValueError, OSError) as error:
            if isinstance(error, OSError) and not isinstance(error, ValueError):  # else it is no request at all
                self.faults.append(f"{case.method} {self.address(case)}: {type(error).__name__}: {error}"[:WORDS])
            return
        self.statuses.setdefault(f"{case.method} {case.path}", Counter())[answer.status_code] += 1
        self.look(answer)
        self.learn(answer)

    def aim(self, case: Any, dice: random.Random) -> str:
        """Give a case of schemathesis words that mean something, often; the token to send with it."""
        token, together = self.token, dice.choice(self.places) if dice.randrange(5) else {}
        words = {name: self.aimed(name, value, dice) for name, value in (case.path_parameters or {}).items()}
        case.query = {name: self.aimed(name, value, dice) for name, value in (case.query or {}).items()}
        kind = case.path.rpartition("/")[2]
        if "{oid}" in case.path and kind in self.links and dice.randrange(4):
            together = dice.choice(self.links[kind])
            case.query["link"] = together["link"]
        elif "/cas/" in case.path and self.depots and dice.randrange(6):
            together = dice.choice(self.depots)
            token = together["token"]
        case.path_parameters = {name: together.get(name, value) for name, value in words.items()}
        if isinstance(case.body, dict | list):
            case.body = self.aimed("", case.body, dice)
            if isinstance(case.body, dict) and "oid" in case.body and "oid" in together:
                case.body["oid"] = together["oid"]
        return str(token)

    def aimed(self, name: str, value: Any, dice: random.Random) -> Any:
        """A value, or often a word that is known to mean something there; so with the fields of a document."""
        words = self.known.get(name)
        if words and dice.randrange(4):
            return dice.choice(words)
        if isinstance(value, dict):
            return {key: self.aimed(key, one, dice) for key, one in value.items()}
        return [self.aimed(name, one, dice) for one in value] if isinstance(value, list) else value

    def address(self, case: Any) -> str:
        """The URL of a case; a slash in a word is quoted but for paths."""
        words = case.path_parameters.items()
        safe = {name: quote(str(word).encode(errors="replace"), safe="/" * (name == "path")) for name, word in words}
        return str(self.url + case.path.format(**safe))

    def body(self, case: Any, dice: random.Random) -> bytes:
        """A body for what the document has none for: often the right one, or that with something wrong."""
        kind, words = dice.randrange(6), case.path_parameters
        if kind == 0:
            return dice.randbytes(dice.choice((0, 1, 7, 100, 5000)))
        if kind == 1 or ("/commit/" in case.path and kind < 5):
            return self.commit(dice)
        right = [body for part, body in self.bodies.items() if part in case.path or part == words.get("oid")]
        body = bytearray(dice.choice(right if right and kind > 2 else list(self.bodies.values())))
        if str(words.get("number")) in "123":
            end = int(words["number"]) * self.part
            body = body[end - self.part : end]
        for _ in range(dice.choice((0, 0, 0, 1, 3)) if body else 0):
            body[dice.randrange(len(body))] = dice.randrange(256)
        return bytes(body[: dice.choice((len(body), len(body), len(body), dice.randrange(len(body) + 1)))])

    def commit(self, dice: random.Random) -> bytes:
        """The lines of a commit; in half of them something is not right."""
        rows = copy.deepcopy([self.rows[0], *dice.choices(self.rows[1:], k=dice.randrange(1, 4))])
        for _ in range(dice.choice((0, 0, 1, 3))):
            value = dice.choice(rows)["value"]
            name = dice.choice([*value, "parentCommit", "size"])
            value[name] = dice.choice([*WILD, *self.known.get(name, [])])
        return b"".join(json.dumps(row).encode() + b"\n" for row in rows)

    def look(self, answer: Any) -> None:
        """Tell of an answer that should not be."""
        sent = answer.request
        words = sent.body if isinstance(sent.body, bytes) else (sent.body or "").encode()
        asked = f"{unquote(sent.url)}\n{words.decode(errors='replace')}"
        told = f"{answer.headers}\n{answer.content.decode(errors='replace')}"
        wrong = [word for word in (*self.secrets, *TRACES) if word in told and word not in asked]
        if (answer.status_code >= 500 and answer.status_code != FULL) or wrong:
            kept = {name: value for name, value in sent.headers.items() if name in HEADERS and name != "Authorization"}
            said = f"{sent.method} {sent.url} {kept} {words[:WORDS]!r} -> {answer.status_code} {answer.text[:WORDS]!r}"
            self.faults.append(f"{said} {wrong or ''}")

    def learn(self, answer: Any) -> None:
        """Keep links, tokens for chunks and commits, to come back with them."""
        try:
            document = answer.json() if answer.ok else None
        except (ValueError, RecursionError):  # a page, or a file that somebody sent
            return
        for place, repo, oid, number, done, link in HREF.findall(json.dumps(document)):
            words = {"namespace": place, "repository": repo, "oid": oid, "number": number, "link": unquote(link)}
            self.links.setdefault(done or ("{number}" if number else "{oid}"), []).append(words)
        if isinstance(document, dict) and "casUrl" in document:
            self.depots.append({"token": document["accessToken"], "depot": document["casUrl"].rpartition("/")[2]})
        if isinstance(document, dict) and isinstance(document.get("commitOid"), str):
            self.known["revision"].append(document["commitOid"])


def operations(url: str) -> list[Any]:
    """Everything that can be asked: what the server's document tells of, and its pages."""
    import requests
    import schemathesis

    document = requests.get(f"{url}/openapi.json", timeout=60).json()
    for page in PAGES:
        names = [part.partition("}")[0] for part in page.split("{")[1:]]
        words = [("path", name) for name in names] + [("query", name) for name in ("q", "after", "next", "compare")]
        said = [{"name": name, "in": at, "required": at == "path", "schema": {"type": "string"}} for at, name in words]
        document["paths"][page] = {"get": {"parameters": said, "responses": {"200": {"description": "a page"}}}}
    return [found.ok() for found in schemathesis.openapi.from_dict(document).get_all_operations()]


def modes(operation: Any) -> list[Any]:
    """What the document says, and where it forbids something, what it does not."""
    from schemathesis import GenerationMode

    return list(GenerationMode) if operation.body or operation.query else [GenerationMode.POSITIVE]


def some(strategy: Any, count: int, seed: int, use: Callable[[Any], None]) -> bool:
    """At most so many cases; False where there are none."""
    import hypothesis
    from hypothesis import HealthCheck, Phase

    def test(case: Any) -> None:
        use(case)

    calm: dict[str, Any] = {"deadline": None, "database": None, "suppress_health_check": list(HealthCheck)}
    settings = hypothesis.settings(max_examples=count, phases=[Phase.generate], **calm)
    try:
        hypothesis.seed(seed)(settings(hypothesis.given(strategy)(test)))()
    except hypothesis.errors.Unsatisfiable:
        return False
    return True


def main() -> None:
    """Read what is to be done, do it turn by turn, and tell."""
    asked = json.load(sys.stdin)
    attack, most = Attack(asked), asked["requests"]
    strategies = {(one.label, mode): one.as_strategy(mode) for one in operations(attack.url) for mode in modes(one)}
    share = min(25, max(2, most // len(strategies) // 2))
    for turn in itertools.count(asked["seed"]):
        for key in list(strategies):
            often = share * (3 if key[0].startswith("P") else 1)  # what POST and PUT do goes deepest
            count, dice = min(often, most - attack.count), random.Random(f"{turn} {key}")
            if count > 0 and not some(strategies[key], count, turn, partial(attack.ask, dice)):
                del strategies[key]
        if attack.count >= most:
            break
    statuses = {name: {str(status): n for status, n in sorted(c.items())} for name, c in attack.statuses.items()}
    print(json.dumps({"requests": attack.count, "statuses": statuses, "faults": attack.faults[:FAULTS]}))


if __name__ == "__main__":
    main()
