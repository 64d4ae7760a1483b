"""diffusers and an adapter of a tiny UNet: it is trained into FOLDER, then loaded from where a line of input says."""

import json
import sys
from typing import Any

OWN = "pytorch_lora_weights.safetensors"
PREFIX, WEIGHTS = "base_model.model", "adapter_model.safetensors"


def unet() -> Any:
    """A network of some thousand weights, the same each time."""
    import torch
    from diffusers import UNet2DConditionModel

    torch.manual_seed(0)
    blocks: dict[str, Any] = {"down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D")}
    blocks["up_block_types"] = ("CrossAttnUpBlock2D", "UpBlock2D")
    sizes = {"block_out_channels": (4, 8), "layers_per_block": 1, "sample_size": 8, "cross_attention_dim": 8}
    return UNet2DConditionModel(norm_num_groups=2, attention_head_dim=2, **sizes, **blocks).eval()


def pipe() -> Any:
    """A pipeline around it."""
    from diffusers import AutoencoderKL, DDIMScheduler, StableDiffusionPipeline
    from transformers import CLIPTextConfig, CLIPTextModel

    sizes = {"hidden_size": 8, "intermediate_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2}
    text = CLIPTextModel(CLIPTextConfig(vocab_size=9, projection_dim=8, **sizes))
    parts: dict[str, Any] = {"safety_checker": None, "feature_extractor": None, "requires_safety_checker": False}
    parts |= {"vae": AutoencoderKL(block_out_channels=(4,), norm_num_groups=2), "text_encoder": text}
    return StableDiffusionPipeline(tokenizer=None, unet=unet(), scheduler=DDIMScheduler(), **parts)


def said(model: Any) -> list[float]:
    """What a network makes of a noise."""
    import torch

    torch.manual_seed(1)
    with torch.no_grad():
        return list(model.eval()(torch.randn(1, 4, 8, 8), 1, torch.randn(1, 3, 8)).sample.flatten().tolist())


def piped(place: str, **how: str) -> list[float]:
    """The same with an adapter that the pipeline loads."""
    one = pipe()
    one.load_lora_weights(place, **how)
    return said(one.unet)


def component(place: str) -> list[float]:
    """The same with one that the network itself loads, from a folder of PEFT's."""
    one = unet()
    one.load_lora_adapter(place, prefix=PREFIX, weight_name=WEIGHTS)
    return said(one)


def train(folder: str) -> None:
    """An adapter as PEFT writes it and as diffusers does."""
    import torch
    from diffusers import StableDiffusionPipeline
    from peft import LoraConfig, get_peft_model
    from safetensors.torch import load_file

    torch.manual_seed(2)
    fields: dict[str, Any] = {"r": 2, "lora_alpha": 8, "target_modules": ["to_q", "to_v"]}
    get_peft_model(unet(), LoraConfig(init_lora_weights=False, **fields)).save_pretrained(f"{folder}/peft")
    tensors = load_file(f"{folder}/peft/{WEIGHTS}")
    layers = {name.removeprefix(f"{PREFIX}."): tensor for name, tensor in tensors.items()}
    metadata = {"unet_lora_layers": layers, "unet_lora_adapter_metadata": fields}
    StableDiffusionPipeline.save_lora_weights(f"{folder}/own", **metadata)


def load(own: str, plain: str, normal: str) -> None:
    """What the network says with the adapter from each place it may lie."""
    from peft import PeftModel

    found = {
        "none": said(unet()),
        "peft, path": said(PeftModel.from_pretrained(unet(), plain)),
        "peft, server": said(PeftModel.from_pretrained(unet(), "ada/peft", revision="1")),
        "own, path": piped(own),
        "own, server": piped("ada/own"),
        "own, a revision": piped("ada/own", revision="1", weight_name=OWN),
        "normal form": component(normal),
        "byte for byte": component(plain),
    }
    print(json.dumps(found))


if __name__ == "__main__":
    train(sys.argv[1])
    print("trained", flush=True)
    load(*json.loads(sys.stdin.readline()))
