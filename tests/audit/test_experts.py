"""Experts that peft trained in the live model, against the checkpoint that transformers saves: they are the judges."""

import pytest
from peft import LoraConfig, get_peft_model

from adapterhub.audit.folder import audit_folder
from tests.base.models import built


@pytest.mark.filterwarnings("ignore:.is_gradient_checkpointing:FutureWarning")
@pytest.mark.parametrize(
    ("model_type", "rule"),
    [
        ("mixtral", "moe 5 to 4, experts stacked"),
        ("qwen2_moe", "experts stacked"),
        ("granitemoe", "granitemoe 5 to 4"),
        ("gpt_oss", "identity"),
    ],
)
def test_stacks_fit_experts_on_disk(tmp_path, model_type, rule):
    model = built(model_type)
    model.save_pretrained(str(tmp_path / "base"))
    parameters = [f"experts.{leaf}" for leaf in ("gate_up_proj", "down_proj")]
    config = LoraConfig(r=2, target_modules=["q_proj"], target_parameters=parameters)
    get_peft_model(model, config).save_pretrained(str(tmp_path / "poet"))
    report = audit_folder(tmp_path / "poet", tmp_path / "base")
    assert (report.verdict, report.matched, report.naming) == ("unpinned", 6, rule)
    assert not [found for found in report.findings if found.severity == "error"]
