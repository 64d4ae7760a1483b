"""What everything is measured on: a base of random weights in bf16, and adapters in fp32 as peft saves them."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

RANKS = {"a": 16, "b": 16, "c": 8, "d": 32}
NAMES = [f"ada/{name}" for name in RANKS]
EXPRESSION = " + ".join(NAMES)
CROWD, CROWD_RANK = 64, 8
SHARDS = 5


@dataclass(frozen=True)
class Shape:
    """The sizes of a Llama; these are TinyLlama's, 1.1 billion parameters."""

    layers: int = 22
    hidden: int = 2048
    inner: int = 5632
    heads: int = 32
    kv: int = 4
    vocabulary: int = 32000

    def linears(self) -> dict[str, tuple[int, int]]:
        """The linear layers of one block with their (out, in)."""
        hidden, inner, narrow = self.hidden, self.inner, self.hidden // self.heads * self.kv
        attention = {"q_proj": (hidden, hidden), "k_proj": (narrow, hidden), "v_proj": (narrow, hidden)}
        mlp = {"gate_proj": (inner, hidden), "up_proj": (inner, hidden), "down_proj": (hidden, inner)}
        return {
            **{f"self_attn.{name}": size for name, size in {**attention, "o_proj": (hidden, hidden)}.items()},
            **{f"mlp.{name}": size for name, size in mlp.items()},
        }

    def config(self, **fields: Any) -> Any:
        """The same for transformers."""
        from transformers import LlamaConfig

        return LlamaConfig(
            num_hidden_layers=self.layers,
            hidden_size=self.hidden,
            intermediate_size=self.inner,
            num_attention_heads=self.heads,
            num_key_value_heads=self.kv,
            vocab_size=self.vocabulary,
            tie_word_embeddings=False,
            **fields,
        )


@dataclass(frozen=True)
class Scene:
    """Where everything lies."""

    folder: Path
    shape: Shape

    @classmethod
    def of(cls, folder: str, shape: dict[str, int]) -> "Scene":
        """What `words` says."""
        return cls(Path(folder), Shape(**shape))

    @property
    def words(self) -> tuple[str, dict[str, int]]:
        """What another process needs."""
        return str(self.folder), asdict(self.shape)

    @property
    def base(self) -> Path:
        """The checkpoint."""
        return self.folder / "base"

    @property
    def store(self) -> Path:
        """Our store, which holds all adapters."""
        return self.folder / "store"

    def adapter(self, name: str) -> Path:
        """The folder of an adapter, as peft saves it."""
        return self.folder / "adapters" / name


def build(*words: Any) -> None:
    """Write everything and wait until it is on the disk."""
    from adapterhub.hub import Hub

    scene = Scene.of(*words)
    write_base(scene.base, scene.shape)
    hub = Hub.open(scene.store)
    for seed, (name, rank) in enumerate(RANKS.items()):
        write_adapter(scene.adapter(name), scene.shape, rank, seed)
        hub.add(scene.adapter(name), f"ada/{name}")
    crowd = write_adapter(scene.adapter("crowd"), scene.shape, CROWD_RANK, len(RANKS))
    for number in range(CROWD):
        hub.add(crowd, f"crowd/m{number}")


def write_base(folder: Path, shape: Shape) -> None:
    """A checkpoint in shards, its tensors in the order transformers writes them."""
    import torch
    from safetensors.torch import save_file

    shape.config(dtype="bfloat16", architectures=["LlamaForCausalLM"]).save_pretrained(str(folder))
    torch.manual_seed(0)
    sizes = dict(_tensors(shape))
    whole = sum(out * into for out, into in sizes.values())
    shards: list[list[str]] = [[]]
    held = 0
    for name, (out, into) in sizes.items():
        if held > len(shards) * whole / SHARDS:
            shards.append([])
        shards[-1].append(name)
        held += out * into
    places: dict[str, str] = {}
    for number, names in enumerate(shards, 1):
        file = f"model-{number:05}-of-{len(shards):05}.safetensors"
        save_file({name: _noise(sizes[name]) for name in names}, str(folder / file), metadata={"format": "pt"})
        places |= dict.fromkeys(names, file)
    index = {"metadata": {"total_size": 2 * whole}, "weight_map": places}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))


def _tensors(shape: Shape) -> Iterator[tuple[str, tuple[int, int]]]:
    """Every tensor and its size; a norm is 0 rows wide here."""
    yield "model.embed_tokens.weight", (shape.vocabulary, shape.hidden)
    for layer in range(shape.layers):
        for name in ("input_layernorm", "post_attention_layernorm"):
            yield f"model.layers.{layer}.{name}.weight", (1, shape.hidden)
        for name, size in shape.linears().items():
            yield f"model.layers.{layer}.{name}.weight", size
    yield "model.norm.weight", (1, shape.hidden)
    yield "lm_head.weight", (shape.vocabulary, shape.hidden)


def _noise(size: tuple[int, int]) -> Any:
    import torch

    if size[0] == 1:  # a norm
        return torch.ones(size[1], dtype=torch.bfloat16)
    return (torch.randn(size) * 0.02).to(torch.bfloat16)


def write_adapter(folder: Path, shape: Shape, rank: int, seed: int) -> Path:
    """An adapter on all linear layers with the config peft writes; its singular values fall as trained ones do."""
    import torch
    from safetensors.torch import save_file

    from adapterhub.formats.peft_keys import build_key

    torch.manual_seed(seed + 1)
    tensors = {}
    falling = 0.85 ** torch.arange(rank)
    for layer in range(shape.layers):
        for name, (out, into) in shape.linears().items():
            module = f"model.layers.{layer}.{name}"
            tensors[build_key(module, "A")] = torch.randn(rank, into) / into**0.5
            tensors[build_key(module, "B")] = torch.randn(out, rank) * falling * (0.2 / out**0.5)
    folder.mkdir(parents=True)
    save_file(tensors, str(folder / "adapter_model.safetensors"), metadata={"format": "pt"})
    _write_config(folder, shape, rank)
    return folder


def _write_config(folder: Path, shape: Shape, rank: int) -> None:
    said = {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "r": rank,
        "lora_alpha": 2 * rank,
        "target_modules": [name.rpartition(".")[2] for name in shape.linears()],
        "base_model_name_or_path": "org/base",
        "inference_mode": True,
    }
    (folder / "adapter_config.json").write_text(json.dumps(said))
