"""Who asks which Hub: its address, and the token that belongs to it and to no other."""

import os
import re
import warnings
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, final
from urllib.parse import quote, unquote, urlsplit

from adapterhub.errors import WrongUsage
from adapterhub.protocols.hf_hub.address import PREFIX
from adapterhub.protocols.hf_hub.faults import TOKEN, asking, fault
from adapterhub.protocols.http import Reader

if TYPE_CHECKING:
    from huggingface_hub import HfApi

__all__ = ["Client", "client_of", "home", "is_home", "is_offline", "quiet", "usual"]

HOME = "https://huggingface.co"
ENDPOINT = re.compile(
    r"https?://([^/?#@:\[\]\s]+|\[[0-9a-f:.]+\])(:[0-9]{1,5})?(/[^?#@\s]*)?", re.IGNORECASE | re.ASCII
)
"""What HF_ENDPOINT may be: the address of a server, and perhaps a path."""
PORTS = {"http": "80", "https": "443"}
TIMEOUT = 30.0


@final
@dataclass(frozen=True)
class Client:
    """One Hub and the token that is sent there; without one, what everybody may see is asked for.

    `login` says how one gets a token for it, `prefix` how its repositories are called.
    """

    endpoint: str
    token: str = field(default="", repr=False)
    login: str = TOKEN
    prefix: str = PREFIX

    def place(self, repo: str, revision: str | None = None) -> str:
        """What a repository is called in errors and notes."""
        return f"{self.prefix}{repo}" + (f"@{revision}" if revision else "")

    @cached_property
    def api(self) -> "HfApi":
        """huggingface_hub, set to this Hub and this token."""
        from huggingface_hub import HfApi

        return HfApi(endpoint=self.endpoint, token=self.token or False, library_name="adapterhub")

    def asking(self, what: str) -> AbstractContextManager[None]:
        """Errors of huggingface_hub inside become ours; see `faults`."""
        return asking(what, self.login, known=bool(self.token))

    def headers(self) -> dict[str, str]:
        """What goes with every request to this Hub."""
        from huggingface_hub.utils import build_hf_headers

        return build_hf_headers(token=self.token or False, library_name="adapterhub")

    def info(self, repo: str, revision: str | None = None, *, files: bool = False) -> Any:
        """A model at a revision: its commit, and with `files` all its files with sizes and digests."""
        with self.asking(self.place(repo, revision)):
            return self.api.model_info(repo, revision=revision, files_metadata=files, timeout=TIMEOUT)

    def reader(self, repo: str, commit: str) -> Reader:
        """Reads the files of a repository at a commit, by their quoted paths. The token stays with this Hub."""

        def meant(response: Any, url: str) -> Exception:
            what = f"{self.place(repo)}: {unquote(url.rpartition(f'/{commit}/')[2])}"
            return fault(response, what, self.login, known=bool(self.token))

        headers = {name: value for name, value in self.headers().items() if name == "authorization"}
        return Reader(f"{self.endpoint}/{repo}/resolve/{quote(commit, safe='')}", headers=headers, meant=meant)


def home() -> str:
    """The Hub that huggingface_hub asks when nobody names one: `HF_ENDPOINT`, else huggingface.co."""
    from huggingface_hub import constants

    return _checked(os.environ.get("HF_ENDPOINT") or constants.ENDPOINT)


def _checked(endpoint: str) -> str:
    """`HF_ENDPOINT` if it is the address of a server. What stands before an @ may be a password, and is not shown."""
    if not ENDPOINT.fullmatch(endpoint):
        login, _, place = endpoint.rpartition("@")
        raise WrongUsage(
            f"HF_ENDPOINT is {f'…@{place}' if login else endpoint!r}, wanted https://host[:port] or http://host[:port]",
            hint=f"set HF_ENDPOINT=http://{place.rpartition('://')[2] or 'host'}, or unset it for {HOME}",
        )
    return endpoint.rstrip("/")


def usual() -> Client:
    """That Hub, with HF_TOKEN or the login of `hf auth login`."""
    return Client(home(), _login())


def client_of(url: str) -> Client:
    """The Hub of a remote's URL, hub+https://host[/path].

    ADAPTERHUB_TOKEN goes to those that a person named, and not to huggingface.co; the token of huggingface_hub goes to
    its own Hub alone.
    """
    endpoint = url.removeprefix("hub+").rstrip("/")
    is_known = _place(endpoint)[1] == _place(HOME)[1]
    mine = "" if is_known else os.environ.get("ADAPTERHUB_TOKEN", "").strip()
    if is_home(endpoint):
        return Client(endpoint, mine or _login())
    return Client(endpoint, mine, TOKEN if is_known else OWN, f"{endpoint}/")


def is_home(endpoint: str) -> bool:
    """Whether an address is that of the usual Hub, however it is spelled."""
    with suppress(WrongUsage):  # HF_ENDPOINT is none: that is for those who ask the usual Hub
        return _place(endpoint) == _place(home())
    return False


def _place(endpoint: str) -> tuple[str, ...]:
    """What makes an address another one: scheme, host, port, path."""
    parts = urlsplit(endpoint)
    port = parts.netloc.rpartition("]")[2].partition(":")[2] or PORTS.get(parts.scheme, "")
    return parts.scheme, (parts.hostname or "").rstrip("."), port, parts.path.rstrip("/")


OWN = "set ADAPTERHUB_TOKEN to a token of that server that may do this; `adapterhub token create` makes one there"


def _login() -> str:
    from huggingface_hub import constants, get_token

    return "" if constants.HF_HUB_DISABLE_IMPLICIT_TOKEN else get_token() or ""


def is_offline() -> bool:
    """Whether the settings of huggingface_hub say that nothing may be asked."""
    from huggingface_hub import is_offline_mode

    return is_offline_mode()


@contextmanager
def quiet() -> Iterator[None]:
    """While this is held, huggingface_hub draws no bars and says nothing but errors: we show what happens."""
    from huggingface_hub.utils import are_progress_bars_disabled, disable_progress_bars, enable_progress_bars, logging

    said, hidden = logging.get_verbosity(), are_progress_bars_disabled()
    logging.set_verbosity(logging.ERROR)
    if not hidden and not os.environ.get("HF_HUB_DISABLE_PROGRESS_BARS"):
        disable_progress_bars()
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Use 'content=", DeprecationWarning)  # between it and its HTTP client
            yield
    finally:
        logging.set_verbosity(said)
        if not hidden and not os.environ.get("HF_HUB_DISABLE_PROGRESS_BARS"):
            enable_progress_bars()
