"""PEFT adapters: what their facts are, for every kind of tensor PEFT writes."""

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapterhub.errors import Corrupt, NotFound, Refused
from adapterhub.facts import Facts
from adapterhub.formats.peft import claims, factor_tensors, facts
from adapterhub.formats.peft_keys import build_key
from adapterhub.formats.peft_parts import named_modules
from tests.formats.foreign_files import Folder, Tensor, checks, safetensors
from tests.formats.peft_folders import CONFIG, TWO, WEIGHTS, adapter, config, files, pair, pairs

GOLDEN_CONFIG = (
    b'{"peft_type": "LORA", "r": 2, "lora_alpha": 8, "target_modules": ["q"], "base_model_name_or_path": "b"}'
)
GOLDEN_WEIGHTS = (
    b"\xb0\x00\x00\x00\x00\x00\x00\x00"
    b'{"base_model.model.q.lora_A.weight":{"dtype":"I8","shape":[2,1],"data_offsets":[0,2]},'
    b'"base_model.model.q.lora_B.weight":{"dtype":"I8","shape":[1,2],"data_offsets":[2,4]}}     '
    b"\x01\x02\x03\x04"
)


def test_golden_bytes_have_these_facts():
    assert facts(Folder({CONFIG: GOLDEN_CONFIG, WEIGHTS: GOLDEN_WEIGHTS})).plain() == {
        "format": "peft", "kind": "adapter", "type": "LORA", "rank": 2, "ranks": {"2": 1}, "alpha": 8.0,
        "targets": ["q"], "modules": 1, "dtype": "I8", "parameters": 4, "base_name": "b", "parser": 2,
        "findings": [
            {"check": "rank-exceeds-layer", "severity": "warning", "place": WEIGHTS,
             "message": "a rank larger than the layer gives nothing more: q (rank 2, layer 1×1)",
             "remedy": "`adapterhub merge REF NAME --rank N` gives the same change with fewer numbers"}
        ],
    }  # fmt: skip


def test_a_sound_adapter_has_facts_and_no_findings():
    told = facts(adapter(task_type="CAUSAL_LM", revision="main"))
    assert (told.rank, told.alpha, told.targets, told.modules) == (4, 16.0, ("q_proj", "v_proj"), 2)
    assert (told.base_name, told.base_revision, told.task) == ("org/base", "main", "CAUSAL_LM")
    assert told.parameters == 2 * (4 * 8 + 6 * 4)
    assert told.findings == ()
    assert told.details == {}


def test_the_shape_is_the_truth_about_ranks():
    told = facts(adapter({**pair("a.q_proj", 2), **pair("b.q_proj", 6), **pair("c.q_proj", 2)}, r=2))
    assert told.rank == 6
    assert told.ranks == {"2": 2, "6": 1}


def test_details_are_what_is_set_and_not_the_default():
    told = facts(adapter(
        use_rslora=True, use_dora=False, bias="none", init_lora_weights=True, peft_version="0.17.0",
        rank_pattern={}, alpha_pattern={"q_proj": 8}, modules_to_save=["head", "head"],
    ))  # fmt: skip
    assert told.details == {
        "use_rslora": True, "peft_version": "0.17.0", "alpha_pattern": 1, "modules_to_save": ["head"]
    }  # fmt: skip


def test_embeddings_convolutions_and_magnitudes_count_as_modules():
    told = facts(adapter(
        {
            build_key("emb", "embedding_A"): Tensor(3, 50),
            build_key("emb", "embedding_B"): Tensor(8, 3),
            build_key("conv", "A"): Tensor(4, 6, 3, 3),
            build_key("conv", "B"): Tensor(8, 4, 1, 1),
            build_key("conv", "magnitude"): Tensor(1, 8, 1, 1),
            build_key("conv", "bias"): Tensor(8),
        },
        target_modules=["emb", "conv"], use_dora=True, lora_bias=True, rank_pattern={"emb": 3},
    ))  # fmt: skip
    assert (told.modules, told.ranks, told.findings) == (2, {"3": 1, "4": 1}, ())


def test_a_grouped_convolution_is_no_mismatch():
    tensors = {build_key("conv", "A"): Tensor(4, 3, 3, 3), build_key("conv", "B"): Tensor(8, 2, 1, 1)}
    assert facts(adapter(tensors, target_modules=["conv"])).findings == ()


def test_adalora_has_the_ranks_that_are_left():
    tensors = {}
    for module, rank in (("q", 2), ("v", 5)):
        tensors |= {f"base_model.model.{module}.lora_{part}": Tensor(*shape) for part, shape in
                    (("A", (rank, 8)), ("B", (6, rank)), ("E", (rank, 1)))}  # fmt: skip
    told = facts(
        adapter(tensors, peft_type="ADALORA", target_modules=["q", "v"], rank_pattern={"q.lora_E": [True, True, False]})
    )
    assert (told.type, told.rank, told.ranks, told.findings) == ("ADALORA", 5, {"2": 1, "5": 1}, ())


def test_experts_in_one_parameter_have_the_rank_of_one():
    tensors = {**pair("mlp.experts", 12), **pair("mlp.experts.base_layer", 12)}
    told = facts(adapter(tensors, target_modules=[], target_parameters=["experts.down_proj", "experts.up_proj"]))
    assert (told.rank, told.modules, told.findings) == (4, 2, ())


def test_another_type_is_registered_as_what_it_is():
    tensors = {f"base_model.model.layers.{n}.{m}.ia3_l": Tensor(8, 1) for n in range(2) for m in ("k", "v")}
    told = facts(adapter(tensors, peft_type="IA3", r=..., lora_alpha=..., target_modules=["k", "v"]))
    assert (told.type, told.rank, told.alpha, told.modules, told.findings) == ("IA3", None, None, 4, ())


def test_a_prompt_has_no_modules():
    told = facts(adapter({"prompt_embeddings": Tensor(20, 8)}, peft_type="PROMPT_TUNING", r=..., target_modules=...))
    assert (told.type, told.modules, told.parameters, told.findings) == ("PROMPT_TUNING", None, 160, ())


def test_the_parts_are_the_tensors_by_module_and_role():
    parts = factor_tensors(adapter({**pairs(), "base_model.model.score.weight": Tensor(2, 8)}))
    assert set(parts.modules) == set(TWO)
    assert set(parts.modules[TWO[0]]) == {"A", "B"}
    assert [tensor.name for tensor in parts.others] == ["base_model.model.score.weight"]


@pytest.mark.parametrize("name", [CONFIG, WEIGHTS, "adapter_model.bin", "adapter_model (2).safetensors"])
def test_the_names_of_peft_are_claimed(name):
    assert claims(Folder({name: b"{}"}))


@pytest.mark.parametrize("fields", [{"lora_parameters": {}}, {"fine_tune_type": "lora"}, {"model_class": "BertModel"}])
def test_the_configs_of_others_are_not_claimed(fields):
    assert not claims(Folder({CONFIG: json.dumps(fields).encode()}))
    assert claims(Folder({CONFIG: json.dumps({**fields, "peft_type": "LORA"}).encode()}))


def test_a_file_with_pefts_names_in_it_is_claimed_and_wants_its_config():
    lone = Folder({"lora.safetensors": files()[WEIGHTS]})
    assert claims(lone)
    with pytest.raises(NotFound, match=r"adapter_config\.json"):
        facts(lone)


def broken(**content: bytes) -> Folder:
    named = {"config": CONFIG, "weights": WEIGHTS, "pickle": "adapter_model.bin"}
    return Folder({named[key]: data for key, data in content.items()})


SOUND = files()


@pytest.mark.parametrize(
    ("members", "kind", "words"),
    [
        (broken(config=SOUND[CONFIG]), NotFound, "no weights: looked for adapter_model.safetensors"),
        (broken(config=b"{"), NotFound, "no weights"),
        (broken(weights=SOUND[WEIGHTS]), NotFound, "no adapter_config.json beside it"),
        (broken(config=b"{", weights=SOUND[WEIGHTS]), Corrupt, "adapter_config.json: no JSON at line 1"),
        (broken(config=SOUND[CONFIG], weights=SOUND[WEIGHTS][:-100]), Corrupt, "is cut off"),
        (broken(config=SOUND[CONFIG], weights=safetensors({})), Corrupt, "no tensors in it"),
        (broken(config=SOUND[CONFIG], pickle=b"\x80\x02."), Refused, "adapter_model.bin: the weights are a pickle"),
        (broken(config=SOUND[CONFIG], pickle=b"version https://git-lfs.github.com/spec/v1\n"), Corrupt, "Git LFS"),
        (broken(config=b'{"peft_type": "LORA", "r": -1}', weights=SOUND[WEIGHTS]), Corrupt, "r: a rank is"),
    ],
)
def test_what_cannot_be_an_adapter_is_an_error(members, kind, words):
    with pytest.raises(kind) as told:
        facts(members)
    assert words in str(told.value)


def test_the_advice_for_a_pickle_is_to_convert_it():
    with pytest.raises(Refused) as told:
        facts(broken(config=SOUND[CONFIG], pickle=b"\x80\x02."))
    assert "--convert-pickle" in told.value.hint


def test_a_browsers_numbers_are_read_and_told():
    content = {name.replace(".", " (1)."): data for name, data in files().items()}
    assert checks(facts(Folder(content))) == ["browser-suffix"]


def test_a_config_without_a_type_is_read_as_lora_and_told():
    content = files() | {CONFIG: json.dumps(config(peft_type=...)).encode()}
    told = facts(Folder(content))
    assert (told.type, checks(told)) == ("LORA", ["no-type"])


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-9, 99)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
FIELDS = st.sampled_from(
    [
        "peft_type",
        "r",
        "lora_alpha",
        "alpha",
        "target_modules",
        "exclude_modules",
        "modules_to_save",
        "rank_pattern",
        "alpha_pattern",
        "bias",
        "use_rslora",
        "base_model_name_or_path",
        "revision",
        "task_type",
        "auto_map",
        "init_lora_weights",
        "target_parameters",
        "trainable_token_indices",
        "layers_to_transform",
        "peft_version",
        "something_new",
    ]
)


@given(st.dictionaries(FIELDS, VALUES, max_size=8))
def test_any_config_has_facts_that_can_be_written_or_is_corrupt(fields):
    members = Folder(files() | {CONFIG: json.dumps({"peft_type": "LORA", **fields}).encode()})
    try:
        told = facts(members)
    except Corrupt:
        return
    assert Facts.from_bytes(told.to_bytes(), "facts") == told


def test_a_config_of_any_size_is_not_read(monkeypatch):
    monkeypatch.setattr("adapterhub.formats.json_file.LARGEST", 100)
    with pytest.raises(Corrupt, match=r"adapter_config\.json: \d+ bytes of JSON, at most 100 are read"):
        factor_tensors(Folder(files(base_model_name_or_path="x" * 100)))


def test_the_modules_of_another_type_are_counted_by_whole_paths_too():
    path = "model.decoder.layers.0.self_attn.q_proj"
    tensors = {f"base_model.model.{path}.ia3_l": Tensor(6, 1)}
    assert facts(adapter(tensors, peft_type="IA3", target_modules=[path])).modules == 1


def test_a_name_of_very_many_words_takes_no_time():
    name = "a." * 20_000 + "b"
    parts = factor_tensors(adapter({name: Tensor(1)}, peft_type="IA3", target_modules=["q"]))
    begin = time.perf_counter()
    assert named_modules(parts) == ()
    assert time.perf_counter() - begin < 5
