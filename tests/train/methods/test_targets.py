"""Which layers are meant, and what is said when none is."""

import json

import pytest
from torch import nn

from adapterhub.errors import DoesNotFit, WrongUsage
from adapterhub.train.methods.inject import role
from adapterhub.train.methods.table import attach
from adapterhub.train.methods.targets import choose, ends, whole
from tests.train.methods.builders import KINDS, attached, config


class Attention(nn.Module):
    """torch's own layers, which read the weights of the linear layers in them."""

    def __init__(self):
        super().__init__()
        self.layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
        self.attention = nn.MultiheadAttention(8, 2)
        self.out = nn.Linear(8, 2)


class Depthwise(nn.Module):
    def __init__(self):
        super().__init__()
        self.depth = nn.Conv2d(4, 4, 3, groups=4)
        self.point = nn.Conv2d(4, 8, 1)
        self.line = nn.Conv1d(4, 4, 3)


def test_all_linear_is_every_linear_layer_but_the_head():
    model = KINDS["bert"].model()
    chosen = choose(model, "all-linear", ("classifier",))
    assert chosen == tuple(
        sorted(path for path, module in model.named_modules() if isinstance(module, nn.Linear) and path != "classifier")
    )


def test_all_linear_spares_output_embeddings_and_knows_conv1d():
    assert {path.rpartition(".")[2] for path in choose(KINDS["gpt2"].model(), "all-linear")} == {
        "c_attn",
        "c_fc",
        "c_proj",
    }


def test_all_linear_takes_the_convolutions_of_a_plain_module():
    assert choose(KINDS["cnn"].model(), "all-linear", ("head",)) == ("body.0", "body.3", "fc")
    assert choose(Depthwise(), "all-linear") == ("point",)


def test_a_list_is_ends_of_paths_and_a_word_is_a_regular_expression():
    model = KINDS["bert"].model()
    assert len(choose(model, ("query", "attention.output.dense"))) == 4
    assert choose(model, ("bert.pooler.dense",)) == ("bert.pooler.dense",)
    assert choose(model, r".*\.1\..*\.(query|key)") == (
        "bert.encoder.layer.1.attention.self.key",
        "bert.encoder.layer.1.attention.self.query",
    )


@pytest.mark.parametrize(
    ("targets", "names"), [(("q_proj",), "q_proj"), (("query", "q_proj", "v_proj"), "q_proj, v_proj"), ("quer", "quer")]
)
def test_a_word_that_matches_nothing_is_named_with_what_would_match(targets, names):
    with pytest.raises(DoesNotFit, match=f"targets: {names} matches no layer") as caught:
        choose(KINDS["bert"].model(), targets, ("classifier",))
    assert "query (2×)" in caught.value.hint
    assert "dense (7×)" in caught.value.hint


def test_what_is_closest_comes_first():
    with pytest.raises(DoesNotFit) as caught:
        choose(KINDS["bert"].model(), ("keys",), ("classifier",))
    assert caught.value.hint.startswith("what would match: key (2×)")


def test_a_broken_regular_expression_is_told():
    with pytest.raises(WrongUsage, match=r"'\(query' is no regular expression: missing \)"):
        choose(KINDS["bert"].model(), "(query")


def test_layers_that_torch_does_not_call_are_spared():
    model = Attention()
    assert choose(model, "all-linear") == ("out",)
    with pytest.raises(DoesNotFit, match="linear1 matches no layer"):
        choose(model, ("linear1",))
    with pytest.raises(DoesNotFit, match="all-linear matches no layer") as caught:
        choose(model, "all-linear", ("out",))
    assert "full" in caught.value.hint


def test_a_module_without_a_head_of_that_name_is_told():
    with pytest.raises(DoesNotFit, match="no module score") as caught:
        whole(KINDS["bert"].model(), ("score",))
    assert "classifier" in caught.value.hint


def test_a_head_is_every_path_that_ends_with_its_letters_as_for_peft():
    model = nn.ModuleDict({"pre_classifier": nn.Linear(2, 2), "classifier": nn.Linear(2, 2), "other": nn.Linear(2, 2)})
    assert whole(model, ("classifier",)) == {"pre_classifier", "classifier"}
    assert choose(model, "all-linear", ("classifier",)) == ("other",)


def test_a_word_means_only_the_layers_that_can_be_adapted():
    model = nn.ModuleDict({"proj": nn.ModuleDict({"proj": nn.Linear(2, 2), "norm": nn.LayerNorm(2)})})
    assert choose(model, ("proj",)) == ("proj.proj",)


def test_the_written_ends_match_the_chosen_and_no_other():
    model = KINDS["bert"].model()
    paths = [path for path, _ in model.named_modules() if path]
    for targets in (("query",), ("attention.output.dense",), r".*\.0\.output\.dense", "all-linear"):
        chosen = choose(model, targets, ("classifier",))
        written = ends(chosen, paths)
        assert tuple(sorted(p for p in paths if p.endswith(tuple(f".{end}" for end in written)))) == chosen
    assert ends(choose(model, ("attention.output.dense",)), paths) == ["attention.output.dense"]


def test_a_path_that_is_the_end_of_another_is_written_so_that_it_alone_matches(tmp_path):
    kind = KINDS["cnn"]
    model = kind.model()
    model.more = nn.ModuleDict({"fc": nn.Linear(2, 2)})
    assert choose(model, "fc") == ("fc",)
    assert choose(model, ("fc",)) == ("fc", "more.fc")
    attached(kind, model, config(targets="fc")).save(tmp_path, "me/base")
    assert json.loads((tmp_path / "adapter_config.json").read_text())["target_modules"] == "fc"


def test_a_module_may_be_called_as_peft_calls_an_adapter():
    model = nn.ModuleDict({"default": nn.ModuleDict({"weight": nn.Linear(2, 2)})})
    made = attach(model, config(rank=1), ())
    assert {role(name) for name, parameter in made.model.named_parameters() if parameter.requires_grad} == {
        ("default.weight", "A"),
        ("default.weight", "B"),
    }


def test_only_the_chosen_modules_are_changed():
    kind = KINDS["bert"]
    made = attached(kind, kind.model(), config(targets=r".*\.0\..*\.value"))
    trained = {name for name, parameter in made.model.named_parameters() if parameter.requires_grad}
    assert {name.partition(".value.")[0] for name in trained if "classifier" not in name} == {
        "bert.encoder.layer.0.attention.self"
    }
