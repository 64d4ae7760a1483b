"""Merges, plans and fused checkpoints, as people see them."""

from adapterhub.cli.composed import print_extract_plan, print_fuse_plan, print_fused, print_merged, print_plan
from adapterhub.cli.methods import method_help
from adapterhub.compose.methods import METHODS
from adapterhub.finding import Finding
from adapterhub.verbs.extract import ExtractPlan, PlacePlan
from adapterhub.verbs.fuse import Fused, FusePlan, TensorPlan
from adapterhub.verbs.merge_plan import MergePlan, ModulePlan
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
        {"method": "svd", "rank": 8, "exact": False, "parameters": 3072, "operands": rows, "modules": steps}
        | {"flops": 1_200_000, "reads": 40_000, "memory": 99_000, **fields}
    )


def test_a_plan_folds_modules_that_are_alike(capsys):
    print_plan(plan())
    lines = told(capsys)
    assert "layers.0-3.q_proj  64×32  svd     8 + 4     8" in lines
    assert lines[-2] == "4 modules, rank 8, 12.3 kB at most; nothing was written"
    assert lines[-1] == (
        "about 1.2 MFLOP, 40.0 kB to read, 99.0 kB of memory; what the cut loses is known when it is computed"
    )


def test_a_plan_of_a_sum_says_how_exact_it_is(capsys):
    print_plan(plan(method="sum", exact=True, expected_error=2.0**-24))
    assert told(capsys)[-1].endswith("exact but for one rounding into fp32 (6e-08)")


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
    taken = Finding(check="name-taken", severity="error", place="ada/it@1", message="1 is there", remedy="leave it out")
    costs = {"flops": 700, "reads": 3_000_000, "memory": 5_000_000, "rounding": 2.0**-9, "findings": (taken,)}
    print_fuse_plan(FusePlan(base="./b", operands=rows, tensors=tuple(tensors), copied=5, bytes=2_000_000, **costs))
    lines = told(capsys)
    assert "layers.0-3.q_proj.weight  64×32  bfloat16    12" in lines
    assert "4 tensors change, 5 stay, 2.0 MB; nothing was written" in lines
    assert (
        "about 700 FLOP, 3.0 MB to read, 5.0 MB of memory; each number is rounded once, by 2e-03 of it at most" in lines
    )
    assert "1 is there" in "".join(lines)


def test_a_plan_of_an_extraction_folds_modules_and_says_what_is_left_out(capsys):
    modules = tuple(PlacePlan(module=f"layers.{n}.q_proj", shape=(64, 32), rank=4) for n in range(3))
    left = {f"layers.{n}.norm.weight": "it is no matrix" for n in range(3)}
    print_extract_plan(ExtractPlan(base="./a", tuned="./b", modules=modules, left_out=left, reads=9000, writes=4608))
    shown = capsys.readouterr()
    assert "layers.0-2.q_proj  64×32     4" in shown.out
    assert "3 modules to compare, 4.6 kB at most" in shown.out
    assert "layers.0-2.norm.weight: not taken where it differs: it is no matrix" in shown.err
    print_extract_plan(ExtractPlan(base="./a", tuned="./b", energy=0.9, modules=modules[:1]))
    assert "1 module to compare, energy 0.9" in capsys.readouterr().out


def test_the_help_of_merge_has_every_method_with_its_parameters_and_source():
    text = method_help()
    for name, row in METHODS.items():
        assert f"\n{name} " in text
        assert row.about in text
        assert row.source in text
        assert all(f"{key}={param.default:g}" in text for key, param in row.params.items())


def test_the_help_of_merge_fits_a_terminal():
    assert max(map(len, method_help().split("\b\n")[1].splitlines())) <= 76
