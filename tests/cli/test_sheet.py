"""The sheet of an entry tells all that is known, and nothing that is not."""

import pytest

from adapterhub.cli.sheet import base_line, print_added, print_shown, rank_line
from adapterhub.facts import Facts
from adapterhub.finding import Finding
from adapterhub.manifest import File, Manifest, Parent
from adapterhub.verbs.shown import Shown

DIGEST = "sha256:" + "0123456789ab" + "c" * 52
FULL = Shown(
    reference="ada/poet@2",
    digest=DIGEST,
    manifest=Manifest(
        kind="adapter",
        files=(File(path="adapter_model.safetensors", size=4_700_000, sha256="d" * 64),),
        parents=(Parent(digest=DIGEST, weight=0.5),),
        training={"seed": 1, "config": {"rank": 8}},
    ),
    facts=Facts(
        format="peft", type="LORA", rank=16, ranks={"8": 24, "16": 2}, alpha=16, targets=("q_proj", "v_proj"),
        modules=26, parameters=1_179_648, dtype="F16", task="CAUSAL_LM", base_name="org/llama",
    ),
    metrics={"accuracy": 0.91, "loss": 0.25},
    tags=("english", "poems"),
    cost={"seconds": 12.5, "peak_memory": 2_100_000_000},
    findings=(Finding(check="untrained", severity="warning", place="q_proj", message="zeros only", remedy="train it"),),
    aliases=("prod",),
    license="MIT",
    values={"reviewer": "ada"},
    base={"evidence": "bytes", "weights_digest": "sha256:" + "e" * 64},
    time="2026-01-02T03:04:05.123456Z",
    by="ada",
)  # fmt: skip

SHEET = """\
ada/poet@2
  sha256:0123456789abcccccccccccccccccccccccccccccccccccccccccccccccccccc
  kind        adapter
  format      peft, LORA, CAUSAL_LM
  rank        8 (24 modules), 16 (2 modules)
  alpha       16
  targets     q_proj, v_proj  ·  26 modules
  parameters  1,179,648 F16
  size        4.7 MB in 1 file
  base        org/llama (pinned by bytes, weights eeeeeeeeeeee)
  parent      0123456789ab × 0.5
  training    config rank 8, seed 1
  metrics     accuracy 0.91, loss 0.25
  tags        english, poems
  licence     MIT
  cost        peak_memory 2.1 GB, seconds 12.5
  notes       reviewer ada
  aliases     prod
  added       2026-01-02 03:04:05 by ada

  FILE                         SIZE  SHA256
  adapter_model.safetensors  4.7 MB  dddddddddddd

  warning  q_proj: zeros only [untrained]
    → train it
"""


def test_a_whole_sheet(capsys):
    print_shown(FULL)
    assert capsys.readouterr().out == SHEET


def test_what_is_not_known_takes_no_line(capsys):
    facts = Facts(format="data", kind="data")
    print_shown(Shown(reference="./x", digest=DIGEST, manifest=Manifest(kind="data"), facts=facts))
    labels = [line.split()[0] for line in capsys.readouterr().out.splitlines()[2:] if line.strip()]
    assert labels == ["kind", "format", "size", "FILE"]


@pytest.mark.parametrize(
    ("ranks", "line"),
    [
        ({}, "16"),
        ({"16": 3}, "16"),
        ({"4": 1, "16": 9}, "16 (9 modules), 4 (1 module)"),
        ({str(r): 1 for r in range(1, 7)}, "1 (1 module), 2 (1 module), 3 (1 module), 4 (1 module), …"),
    ],
)
def test_the_most_frequent_rank_comes_first(ranks, line):
    assert rank_line(Facts(format="peft", rank=16, ranks=ranks)) == line


@pytest.mark.parametrize(
    ("pin", "name", "line"),
    [
        ({}, None, ""),
        ({}, "gpt2", "gpt2 (by name only: `adapterhub pin` notes which one it was)"),
        ({"evidence": "revision", "source": "hf:org/b", "revision": "abc"}, None, "hf:org/b@abc (pinned by revision)"),
        ({"evidence": "bytes"}, None, "a base without a name (pinned by bytes)"),
    ],
)
def test_the_base_is_told_with_how_well_it_is_known(pin, name, line):
    facts = FULL.facts.model_copy(update={"base_name": name})
    assert base_line(FULL.model_copy(update={"base": pin, "facts": facts})) == line


def test_an_added_entry_is_one_line_and_its_findings(capsys):
    print_added(FULL)
    assert capsys.readouterr().out.splitlines() == [
        "ada/poet@2  0123456789ab  LORA, rank 8 (24 modules), 16 (2 modules), 4.7 MB",
        "  warning  q_proj: zeros only [untrained]",
        "    → train it",
    ]


def test_the_worst_finding_comes_first(capsys):
    found = [Finding(check=s, severity=s, place="p", message=s) for s in ("info", "error", "warning")]
    print_added(FULL.model_copy(update={"findings": tuple(found)}))
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()[1:]] == ["error", "warning", "info"]


@pytest.mark.parametrize(
    "training",
    [
        {"config": 5},
        {"config": {"task": 1}},
        {"config": {"task": "x", "adapter": 5}},
        {"config": {"task": "x", "optim": {"lr": "much"}}},
        {"config": {"task": "x", "optim": {"lr": 1.0}}, "run": "device", "data": {"a": 1}, "versions": 3},
    ],
)
def test_a_strangers_training_is_shown_as_it_is(capsys, training):
    print_shown(FULL.model_copy(update={"manifest": FULL.manifest.model_copy(update={"training": training})}))
    assert "  training    config " in capsys.readouterr().out


def test_what_was_measured_later_has_a_line_for_each_set_of_rows(capsys):
    said = {f"sha256:{letter * 64}": {"metrics": {"loss": 0.5, "accuracy": 0.75}, "rows": 40} for letter in "ba"}
    print_shown(FULL.model_copy(update={"evaluation": said}))
    lines = [line for line in capsys.readouterr().out.splitlines() if "evaluation" in line]
    assert lines == [
        "  evaluation  accuracy 0.75, loss 0.5 on 40 rows (aaaaaaaaaaaa)",
        "  evaluation  accuracy 0.75, loss 0.5 on 40 rows (bbbbbbbbbbbb)",
    ]
