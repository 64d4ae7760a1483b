"""PEFT loads adapters by their names over a base: BASE REFERENCE…, each a name or a name@revision."""

import json
import sys

WORDS = [[2, 3, 4, 5]]


def main(base: str, *references: str) -> None:
    """What each says of four words, and what the base does."""
    sys.modules["torchao"] = None  # type: ignore[assignment]  # ours stands behind, and is too new for an older PEFT
    import peft
    import torch
    import transformers

    def fresh() -> transformers.PreTrainedModel:
        return transformers.AutoModelForCausalLM.from_pretrained(base)

    def said(model: torch.nn.Module) -> list[float]:
        with torch.no_grad():
            return list(model.eval()(torch.tensor(WORDS)).logits.flatten().tolist())

    found = {"versions": [peft.__version__, transformers.__version__], "base": said(fresh())}
    for reference in references:
        name, _, revision = reference.partition("@")
        found[reference] = said(peft.PeftModel.from_pretrained(fresh(), name, revision=revision or "main"))
    model = fresh()
    model.load_adapter(references[0].partition("@")[0])
    found["transformers"] = said(model)
    print(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
