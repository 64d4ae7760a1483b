"""Not vLLM: the little of it that a resolver meets, written from the signatures of vLLM 0.33.0.

vllm/lora/resolver.py: `LoRAResolverRegistry` with `register_resolver(name, resolver)`, and resolvers with
`async resolve_lora(base_model_name, lora_name) -> LoRARequest | None`.
vllm/lora/request.py: `LoRARequest(lora_name, lora_int_id, lora_path, …)`, the id above 0, the path not empty.
vllm/entrypoints/openai/models/serving.py: asks the resolvers one after another, and gives the request its own id.
"""

import sys
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import pytest

VERSION = "0.33.0"


@dataclass
class LoRARequest:
    """What vLLM is told to load."""

    lora_name: str
    lora_int_id: int
    lora_path: str = ""

    def __post_init__(self) -> None:
        if self.lora_int_id < 1:
            raise ValueError(f"id must be > 0, got {self.lora_int_id}")
        assert self.lora_path


class Registry:
    """Resolvers by their names."""

    def __init__(self) -> None:
        self.resolvers: dict[str, Any] = {}

    def register_resolver(self, resolver_name: str, resolver: Any) -> None:
        self.resolvers[resolver_name] = resolver

    async def answer(self, base_model_name: str, lora_name: str) -> LoRARequest | None:
        """As the server does it: the first that knows the name wins."""
        for resolver in self.resolvers.values():
            if found := await resolver.resolve_lora(base_model_name, lora_name):
                return found  # type: ignore[no-any-return]
        return None


def install(monkeypatch: pytest.MonkeyPatch) -> Registry:
    """Let `import vllm` find this, in this process and for one test; the registry that it has."""
    registry = Registry()
    names = ("vllm", "vllm.lora", "vllm.lora.request", "vllm.lora.resolver")
    vllm, lora, request, resolver = (ModuleType(name) for name in names)
    vllm.__version__ = VERSION  # type: ignore[attr-defined]
    request.LoRARequest = LoRARequest  # type: ignore[attr-defined]
    resolver.LoRAResolverRegistry = registry  # type: ignore[attr-defined]
    for name, module in zip(names, (vllm, lora, request, resolver), strict=True):
        monkeypatch.setitem(sys.modules, name, module)
    return registry
