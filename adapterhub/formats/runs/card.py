"""What a README that a trainer wrote says about its run.

In the front matter, `tags: [axolotl, generated_from_trainer]`; below it

    <details><summary>See axolotl config</summary>    axolotl: its version, and the config as it was given
    It achieves the following results …               Trainer: - Loss: 0.83
    ### Training hyperparameters                      Trainer: - learning_rate: 0.0002
    ### Framework versions                            Trainer: - Pytorch 2.13.0+cpu    TRL: - Pytorch: 2.13.0
"""

import re
from typing import Any

__all__ = ["axolotl_config", "hyperparameters", "results", "tool_of", "versions"]

TOOLS = {
    "llama-factory": "llamafactory",
    "axolotl": "axolotl",
    "unsloth": "unsloth",
    "trl": "trl",
    "generated_from_trainer": "transformers",
}
"""Tag -> who trained. The first counts: LLaMA-Factory may train with Unsloth, and that with TRL."""

RESULTS = "It achieves the following results on the evaluation set:\n"

PACKAGES = {"pytorch": "torch"}

AXOLOTL = re.compile(
    r"<details><summary>See axolotl config</summary>\s{0,9}axolotl version: `(?P<version>[^`\n]*)`\s{0,9}"
    r"```ya?ml\n(?P<config>.*?)\n```\s{0,9}</details>",
    re.DOTALL,
)
LINE = re.compile(r"^- (?:(\w[\w .-]{0,60}): |(\w[\w.-]{0,60}) )(\S.*?) *$", re.MULTILINE)


def tool_of(card: str) -> str:
    """Which tool wrote it, by its tags; nothing where no known tool did.

    >>> tool_of("---\\ntags:\\n- sft\\n- trl\\n- unsloth\\n---\\n# poet")
    'unsloth'
    """
    front = re.match(r"---\r?\n(.*?)\n---", card[:100_000], re.DOTALL)
    tags = re.search(r"^tags:[ ]*((?:\r?\n[ ]*- .*)+|\[.*\])", front[1], re.MULTILINE) if front else None
    words = set(re.findall(r"[\w:./-]+", tags[1])) if tags else set()
    return next((tool for tag, tool in TOOLS.items() if tag in words), "")


def axolotl_config(card: str) -> tuple[str, str]:
    """The YAML of axolotl's config and axolotl's version, each empty where the card has none."""
    found = AXOLOTL.search(card)
    return (found["config"], found["version"]) if found else ("", "")


def hyperparameters(card: str) -> dict[str, Any]:
    """The settings a Trainer lists; a number is one."""
    return {name: _value(value) for name, value in _lines(_section(card, "Training hyperparameters"))}


def results(card: str) -> dict[str, Any]:
    """The last evaluation a Trainer lists, under the names it had in its log; rounded to four digits.

    >>> results("It achieves the following results on the evaluation set:\\n- Loss: 0.83\\n- Token Accuracy: 0.5\\n")
    {'eval_loss': 0.83, 'eval_token_accuracy': 0.5}
    """
    after = card.replace("\r\n", "\n").partition(RESULTS)[2]
    lines = _lines(re.split(r"\n(?!- )", after, maxsplit=1)[0])
    return {"eval_" + name.lower().replace(" ", "_"): _value(value) for name, value in lines}


def versions(card: str) -> dict[str, str]:
    """The packages a Trainer or TRL lists, under the names they are installed by.

    >>> versions("### Framework versions\\n\\n- TRL: 1.16.0\\n- Pytorch 2.13.0+cpu\\n")
    {'trl': '1.16.0', 'torch': '2.13.0+cpu'}
    """
    lines = _lines(_section(card, "Framework versions"))
    return {PACKAGES.get(name.lower(), name.lower()): version for name, version in lines if len(version) < 60}


def _lines(text: str) -> list[tuple[str, str]]:
    """The items of a list, `- name: value` or `- name value`."""
    return [(line[1] or line[2], line[3]) for line in LINE.finditer(text)]


def _section(card: str, heading: str) -> str:
    after = card.replace("\r\n", "\n").partition(f"\n### {heading}\n")[2]
    if not after and card.startswith(f"### {heading}\n"):
        after = card.partition("\n")[2]
    return re.split(r"^#", after, maxsplit=1, flags=re.MULTILINE)[0]


def _value(text: str) -> Any:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return {"True": True, "False": False, "None": None}.get(text, text)
