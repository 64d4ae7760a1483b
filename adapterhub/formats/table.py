"""The table of formats: one row and one module each. The order is that of recognition: names before headers.

A module has `claims(members) -> bool` and `facts(members) -> Facts`; the row says which names are the format's own.
Tokenizer files and chat templates are taken with every adapter (see `folder`). Modules are imported when they are
asked, so that reading the table costs nothing.
"""

from dataclasses import dataclass
from importlib import import_module
from typing import Protocol, cast, final

from adapterhub.errors import Refused
from adapterhub.facts import Facts
from adapterhub.formats.continued import FILES as CONTINUED
from adapterhub.formats.members import Members

__all__ = ["FORMATS", "Format", "Reader", "derive", "reader", "recognise"]


@final
@dataclass(frozen=True)
class Format:
    """A row: what it is, and the file names (shell patterns) that are its own.

    `single` means one weights file under any name is the whole adapter.
    """

    about: str
    takes: tuple[str, ...] = ()
    single: bool = False
    kind: str = "adapter"


FORMATS = {
    "peft": Format(
        "huggingface/peft",
        tuple(
            f"{stem}{copy}{end}"
            for stem, end in (("adapter_config", ".json"), ("adapter_model", ".safetensors"), ("adapter_model", ".bin"))
            for copy in ("", "*([0-9])")
        )
        + CONTINUED,
    ),
    "mlx": Format("Apple mlx-lm", ("adapter_config.json", "adapters.safetensors", "adapters.npz")),
    "adapters": Format(
        "the adapters library (adapter-hub)",
        (
            "adapter_config.json", "head_config.json", "adapter_fusion_config.json",
            "adapter.safetensors", "model_head.safetensors", "model_adapter_fusion.safetensors",
            "pytorch_adapter.bin", "pytorch_model_head.bin", "pytorch_model_adapter_fusion.bin",
        ),
    ),
    "diffusers": Format("diffusers", ("pytorch_lora_weights.safetensors",), single=True),
    "lycoris": Format("LyCORIS in kohya's layout", ("*.safetensors",), single=True),
    "kohya": Format("kohya-ss sd-scripts", ("*.safetensors",), single=True),
    "cloneofsimo": Format("cloneofsimo/lora", ("*.safetensors",), single=True),
    "lora-vit": Format("LoRA-ViT", ("*.safetensors",), single=True),
    "gguf": Format("a LoRA for llama.cpp", ("*.gguf",), single=True),
    "checkpoint": Format(
        "a transformers checkpoint",
        (
            "config.json", "generation_config.json", "preprocessor_config.json", "processor_config.json",
            "*.safetensors", "*.safetensors.index.json",
        ),
        kind="model",
    ),
    "data": Format("tables, arrays, text or pictures", ("*",), kind="data"),
}  # fmt: skip


class Reader(Protocol):
    """What the module of a format offers."""

    def claims(self, members: Members) -> bool:
        """Whether these files are of this format; never raises for files that are not."""
        ...

    def facts(self, members: Members) -> Facts:
        """What the files say; `NotFound`, `Corrupt` or `Refused` where an entry must not be made of them."""
        ...


def reader(name: str) -> Reader:
    """The module of a format: `lora-vit` is `lora_vit.py`."""
    return cast(Reader, import_module(f"adapterhub.formats.{name.replace('-', '_')}"))


def recognise(members: Members) -> str | None:
    """The first format that claims the files; None if none does."""
    return next((name for name in FORMATS if reader(name).claims(members)), None)


def derive(members: Members) -> Facts:
    """The facts and findings of the files; raises what `add` would."""
    name = recognise(members)
    if name is None:
        raise Refused(
            f"no known format: {', '.join(members.names()[:8]) or 'no files'}",
            hint=f"adapterhub reads {', '.join(FORMATS)}",
        )
    return reader(name).facts(members)
