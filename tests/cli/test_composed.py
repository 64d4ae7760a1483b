"""Merges, plans and fused checkpoints, as people see them."""

from adapterhub.cli.composed import print_fuse_plan, print_fused, print_merged, print_plan
from adapterhub.cli.methods import method_help
from adapterhub.compose.methods import METHODS
from adapterhub.finding import Finding
from adapterhub.verbs.fuse import Fused, FusePlan, TensorPlan
from adapterhub.verbs.merge import MergePlan, ModulePlan
from tests.cli.test_sheet import FULL


def told(capsys):
    return capsys.readouterr().out.splitlines()


def test_an_exact_merge_tells_its_error_and_no_modules(capsys):
    print_merged(FULL.model_copy(update={"relative_error": 1.5e-8, "errors": {"q": 1e-8, "v": 2e-8}, "findings": ()}))
    assert told(capsys)[1:] == ["  relative error 1.50e-08"]


def test_a_cut_merge_names_the_modules_that_lost_most(capsys):
    errors = {"a": 0.1, "b": 0.4, "c": 0.2, "d": 0.3}
    print_merged(FULL.model_copy(update={"relative_error": 0.3, "errors": errors, "findings": ()}))
    assert told(capsys)[1:] == ["  relative error 3.00e-01", "    4.00e-01  b", "    3.00e-01  d", "    2.00e-01  c"]


def plan(**fields):
    modules = [f"layers.{n}.q_proj" for n in range(4)]
    steps = tuple(
        ModulePlan(module=module, shape=(64, 32), method="svd", ranks=(8, 4), weights=(0.7, 0.3), rank=8)
        for module in modules
    )
    rows = ({"reference": "ada/sql@1", "weight": 0.7, "rank": 8}, {"reference": "ada/chat@1", "weight": 0.3, "rank": 4})
    return MergePlan.model_validate(
        {"method": "svd", "rank": 8, "exact": False, "parameters": 3072, "operands": rows, "modules": steps, **fields}
    )


def test_a_plan_folds_modules_that_are_alike(capsys):
    print_plan(plan())
    lines = told(capsys)
    assert "layers.0-3.q_proj  64×32  svd     8 + 4     8" in lines
    assert lines[-1].startswith("4 modules, rank 8, 12.3 kB; what the cut loses is told when it is computed")


def test_a_plan_shows_its_findings(capsys):
    found = Finding(check="bases-differ", severity="warning", place="parents", message="two bases", remedy="audit")
    print_plan(plan(findings=(found,)))
    assert "two bases" in "".join(told(capsys))


def test_a_fused_checkpoint_is_told_with_its_notes(capsys):
    print_fused(Fused(folder="./out", touched=("a", "b"), copied=3, bytes=2_000_000, notes=("a new head",)))
    shown = capsys.readouterr()
    assert shown.out == "./out  2.0 MB: 2 tensors changed, 3 as they were\n"
    assert "a new head" in shown.err


def test_a_plan_of_a_fuse_folds_tensors_that_are_alike(capsys):
    tensors = [
        TensorPlan(tensor=f"layers.{n}.q_proj.weight", shape=(64, 32), dtype="bfloat16", rank=12) for n in range(4)
    ]
    rows = ({"reference": "ada/sql@1", "weight": 0.7, "rank": 8},)
    print_fuse_plan(FusePlan(base="./b", operands=rows, tensors=tuple(tensors), copied=5, bytes=2_000_000))
    lines = told(capsys)
    assert "layers.0-3.q_proj.weight  64×32  bfloat16    12" in lines
    assert lines[-1] == "4 tensors change, 5 stay, 2.0 MB; nothing was written"


def test_the_help_of_merge_has_every_method_with_its_parameters_and_source():
    text = method_help()
    for name, row in METHODS.items():
        assert f"\n{name} " in text
        assert row.about in text
        assert row.source in text
        assert all(f"{key}={param.default:g}" in text for key, param in row.params.items())


def test_the_help_of_merge_fits_a_terminal():
    assert max(map(len, method_help().split("\b\n")[1].splitlines())) <= 76
