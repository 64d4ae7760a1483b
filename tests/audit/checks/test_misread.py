"""Who would misread an adapter: one finding for each engine, worth knowing, or a warning when it was asked for."""

from adapterhub.audit.checks.misread import misreads
from adapterhub.audit.misreaders import Engine
from tests.audit.test_features import adapter


def told(one, engine=None):
    return {found.place: found for found in misreads(one, engine)}


def test_nobody_misreads_a_plain_adapter():
    assert told(adapter()) == {}
    assert told(adapter(), Engine("vllm")) == told(adapter(), Engine("sglang")) == {}


def test_one_finding_for_each_engine_names_all_it_does():
    found = told(adapter(config={"use_rslora": True, "alpha_pattern": {"q_proj": 4}}))
    assert found.keys() == {"vLLM", "SGLang", "llama.cpp", "Ollama", "LoRAX"}
    assert {one.severity for one in found.values()} == {"info"}
    assert "not by its root; takes the scale of every module from lora_alpha" in found["SGLang"].message
    assert found["SGLang"].remedy == "`adapterhub export REF FOLDER --normal-form` writes what is read right"
    assert found["vLLM"].message == "takes the scale of every module from lora_alpha (before 0.32.0)"


def test_a_remedy_says_what_it_does_not_cure():
    one = adapter(config={"use_rslora": True}, reasons={"lm_head.weight": "embedding"})
    remedy = told(one)["SGLang"].remedy
    assert remedy.startswith(
        "`adapterhub export REF FOLDER --normal-form` writes what is read right, as far as use_rslora"
    )
    assert "`adapterhub fuse REF --base B FOLDER`" in remedy


def test_normal_form_of_several_ranks_is_no_cure_for_who_reads_one_alpha():
    config = {"alpha_pattern": {"q_proj": 4}}
    assert "--normal-form" in told(adapter(config=config))["llama.cpp"].remedy
    mixed = told(adapter(config=config, facts={"ranks": {"8": 2, "4": 2}}))
    assert "--normal-form" not in mixed["llama.cpp"].remedy
    assert "--normal-form" in mixed["vLLM"].remedy


def test_the_rank_is_held_against_the_room_an_engine_has():
    assert told(adapter(facts={"rank": 16})) == {}
    assert "--max-lora-rank" in told(adapter(facts={"rank": 64}))["vLLM"].remedy
    assert "no room for a rank above 512" in told(adapter(facts={"rank": 1024}))["vLLM"].message


def test_who_asks_about_an_engine_hears_all_of_it_as_a_warning():
    (found,) = misreads(adapter(), Engine("mlx"))
    assert (found.check, found.severity, found.place) == ("misread", "warning", "MLX LM")


def test_a_version_hears_of_its_own_faults_only():
    one = adapter(config={"rank_pattern": {"q_proj": 4}})
    assert told(one, Engine("vllm", "0.30.0")).keys() == {"vLLM"}
    assert told(one, Engine("vllm", "0.33.0")) == {}


def test_a_classifier_is_not_told_about_engines_that_only_generate():
    head = {"reasons": {"score.weight": "head"}, "config": {"modules_to_save": ["score"]}}
    assert told(adapter(facts={"task": "SEQ_CLS"}, **head)).keys() == {"vLLM"}
    assert {"SGLang", "llama.cpp"} < told(adapter(facts={"task": "CAUSAL_LM"}, **head)).keys()
