"""A resolver for vLLM: a request for the model `ada/sql@prod` gets that adapter, audited, in normal form.

    VLLM_ALLOW_RUNTIME_LORA_UPDATING=1 ADAPTERHUB_REMOTE=team vllm serve org/base --enable-lora

vLLM calls `register` in each of its processes, by the entry point `vllm.general_plugins`. Its interface is
`LoRAResolver` in vllm/lora/resolver.py (read in 0.33.0): `resolve_lora(base_model_name, lora_name)` answers with a
`LoRARequest`, or with None where there is nothing to serve. Nothing of vLLM is imported before `register`.
docs/serving.md is the manual.
"""

import asyncio
import json
import logging
import os
import secrets
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, final

from adapterhub.audit.report import VERDICTS, Verdict
from adapterhub.digest import Digest, copy_and_hash
from adapterhub.durable import make_folder, sync_folder
from adapterhub.errors import AdapterHubError, BadReference, Unreachable, WrongUsage
from adapterhub.hub import Hub
from adapterhub.integrations.asking import Asking
from adapterhub.integrations.base import name_of, source_at
from adapterhub.protocols.hf_hub.address import PREFIX, parse_address
from adapterhub.reference import Reference, parse
from adapterhub.regular import open_regular, read_regular
from adapterhub.store.locks import alone
from adapterhub.verbs.gate import gate_entries
from adapterhub.verbs.wanted import found, wanted

if TYPE_CHECKING:
    from vllm.lora.request import LoRARequest

__all__ = ["Resolver", "folder_for", "number_of", "register"]

LOG = logging.getLogger("vllm.adapterhub")
"""Below vLLM's own logger, which is the one that people see."""

AT_ONCE = 8
"""Requests that are looked into at once, in threads of their own: those of asyncio belong to vLLM."""

SEAL = "sealed.json"
"""In each folder that is made here: the sha256 of all other files."""


def register() -> None:
    """Make the resolver known to vLLM, set up by the environment; what vLLM calls when it starts."""
    try:
        from vllm.lora.resolver import LoRAResolverRegistry
    except ImportError:
        LOG.warning("adapterhub: this vLLM has no vllm.lora.resolver, so it asks no registry for adapters")
        return
    LoRAResolverRegistry.register_resolver("adapterhub", Resolver.of_environment())


@final
@dataclass(frozen=True)
class Resolver:
    """Finds adapters for vLLM.

    store     the store's folder; None: the usual one
    remote    a remote's name or URL, asked first; None: only what is in the store is served
    base      the base that is served, as `audit --base` reads it; None: what vLLM says it is
    require   the worst verdict of the audit that is still served
    """

    store: str | None = None
    remote: str | None = None
    base: str | None = None
    require: Verdict = "drifted"
    _threads: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(AT_ONCE, "adapterhub"), init=False, repr=False, compare=False
    )
    _asking: Asking = field(default_factory=Asking, init=False, repr=False, compare=False)

    @classmethod
    def of_environment(cls) -> "Resolver":
        """ADAPTERHUB_REMOTE, ADAPTERHUB_BASE and ADAPTERHUB_REQUIRE; the store is that of ADAPTERHUB_HOME."""
        said = {name: os.environ.get(f"ADAPTERHUB_{name}", "").strip() or None for name in ("REMOTE", "BASE")}
        word = os.environ.get("ADAPTERHUB_REQUIRE", "").strip() or cls.require
        require = next((verdict for verdict in VERDICTS if verdict == word), None)
        if require is None:
            raise WrongUsage(f"ADAPTERHUB_REQUIRE is {word!r}", hint=f"write one of {', '.join(VERDICTS)}")
        return cls(remote=said["REMOTE"], base=said["BASE"], require=require)

    async def resolve_lora(self, base_model_name: str, lora_name: str) -> "LoRARequest | None":
        """The adapter a request names as its model; None, and a line in the log, where it is not served."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self._answer, base_model_name, lora_name)

    def _answer(self, served: str, name: str) -> "LoRARequest | None":
        if (reference := self._reference(name)) is None:
            return None
        try:
            digest, folder = self.find(served, reference)
        except (AdapterHubError, OSError) as error:
            hint = getattr(error, "hint", "")
            LOG.warning("adapterhub: %s is not served: %s%s", reference, error, f" ({hint})" if hint else "")
            return None
        from vllm.lora.request import LoRARequest

        return LoRARequest(lora_name=name, lora_int_id=number_of(digest), lora_path=str(folder))

    def _reference(self, name: str) -> Reference | None:
        """What a client means; None for what is no reference, or lies in a remote this server does not ask.

        Whoever runs the server says where adapters come from: clients do not make it ask anywhere else.
        """
        with suppress(BadReference):
            reference = parse(name)
            if reference.remote in (None, self.remote):
                return reference.here()
        return None

    def find(self, served: str, reference: Reference) -> tuple[Digest, Path]:
        """The adapter's digest and a folder vLLM can read; `DoesNotFit` where it does not fit the served base."""
        hub, base = Hub.open(self.store), self.base or base_word(served)
        digest = self._audited(hub, reference, base)
        folder = folder_for(hub, reference.at(str(digest)), digest, name_of(source_at(served)))
        for message in _misread(hub, folder, base):
            LOG.warning("adapterhub: %s: %s", reference, message)
        return digest, folder

    def _audited(self, hub: Hub, reference: Reference, base: str) -> Digest:
        """The digest of what is in the store now, and good enough; a remote that does not answer is done without."""
        if self.remote:
            try:
                (one,) = wanted([str(reference)], self.remote)
                self._asking.ask(lambda: found(hub.desk, one))  # what hangs, hangs here
                (pulled,) = hub.pull([str(reference)], self.remote, bases=[base], require=self.require)
                return Digest.parse(pulled.digest)
            except Unreachable as error:
                LOG.warning("adapterhub: %s; what the store has of %s is served", error, reference)
        listed, entry = hub.desk.find(str(reference))
        gate_entries(hub.desk, [(listed, entry)], [base], self.require)
        return listed.digest


def base_word(served: str) -> str:
    """The base behind vLLM's name for it: a folder here, what is downloaded already, else a repository of a Hub."""
    from adapterhub.protocols.hf_hub.repository import downloaded

    if Path(served).exists():
        return str(Path(served).absolute())
    word = f"{PREFIX}{served}"
    with suppress(Unreachable):
        return str(downloaded(parse_address(word))[0])
    return word


def number_of(digest: Digest) -> int:
    """An id for vLLM, which wants one above 0: the same for the same adapter everywhere, of 31 bits.

    >>> number_of(Digest("00000000" + "f" * 56)), number_of(Digest("f" * 64))
    (1, 2)
    """
    return int(digest.hex[:8], 16) % (2**31 - 1) + 1


def folder_for(hub: Hub, reference: Reference, digest: Digest, base_name: str) -> Path:
    """The entry in normal form, under the served base's name, in the store's cache: written once, whole or not at all.

    It is read through each time it is asked for, and written again where it is damaged; several processes may ask.
    """
    from importlib.metadata import version

    shelf = hub.store / "cache/vllm"
    folder = shelf / Digest.of(f"{version('adapterhub')}\n{digest}\n{base_name}".encode()).hex
    with alone(shelf):
        if not _intact(folder):
            _write(hub, reference, base_name, folder)
    return folder


def _write(hub: Hub, reference: Reference, base_name: str, folder: Path) -> None:
    fresh = folder.with_name(f".{secrets.token_hex(8)}.tmp")
    try:
        make_folder(fresh)
        hub.export(str(reference), fresh, normal_form=True, base_name=base_name)
        sealed = {path.relative_to(fresh).as_posix(): _sha256(path) for path in fresh.rglob("*") if path.is_file()}
        (fresh / SEAL).write_text(json.dumps(sealed, indent=2, sort_keys=True) + "\n", "utf-8")
        shutil.rmtree(folder, ignore_errors=True)
        fresh.rename(folder)
        sync_folder(folder.parent)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _intact(folder: Path) -> bool:
    try:
        sealed = json.loads(read_regular(folder / SEAL))
        return bool(sealed) and all(_sha256(folder / name) == hex for name, hex in sealed.items())
    except (OSError, ValueError, AdapterHubError):
        return False


def _sha256(path: Path) -> str:
    with open_regular(path) as stream:
        return copy_and_hash(stream)[0].hex


def _misread(hub: Hub, folder: Path, base: str) -> Iterator[str]:
    """What this vLLM would still read otherwise in what was written for it."""
    import vllm

    number = getattr(vllm, "__version__", "")
    engine = f"vllm@{number}" if number[:1].isdigit() else "vllm"
    for report in hub.audit([folder], [base], engines=[engine]):
        for finding in report.findings:
            if finding.check == "misread":
                yield "; ".join(filter(None, (f"{finding.place} {finding.message}", finding.remedy)))
