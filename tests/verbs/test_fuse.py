"""`fuse` and `extract`: there and back, with what the entries say of where they came from."""

import pytest
import torch

from adapterhub.base import card
from adapterhub.compose.checkpoints import extract
from adapterhub.errors import AdapterHubError, DoesNotFit, NotFound, WrongUsage
from tests.builders import tree, write_files
from tests.compose.builders import adapter, ask, hub_of_two, tiny


@pytest.fixture
def hub(tmp_path):
    """Two adapters of a tiny Llama whose checkpoint lies in ./base, in small shards."""
    return hub_of_two(tmp_path, max_shard_size="5KB")


MIX = "ada/sql*0.7 + ada/chat*0.3"


@torch.no_grad()
def test_a_fused_model_answers_as_the_stack_does(hub, tmp_path):
    done = hub.fuse(MIX, tmp_path / "base", tmp_path / "fused")
    model = tiny("llama")
    with hub.stack(model, MIX):
        stacked = ask(model, "llama")
    fused = type(model).from_pretrained(tmp_path / "fused").eval()
    assert torch.allclose(ask(fused, "llama"), stacked, atol=1e-5)
    assert len(done.touched) == 6
    assert done.copied + len(done.touched) == len(model.state_dict())


def test_a_fused_model_can_be_an_entry_with_its_lineage(hub, tmp_path):
    told = []
    done = hub.fuse(
        MIX, tmp_path / "base", tmp_path / "fused", name="ada/both", progress=lambda *step: told.append(step)
    )
    shown = hub.show("ada/both")
    assert (done.reference, done.digest, shown.manifest.kind) == ("ada/both@1", shown.digest, "model")
    digests = [hub.show(f"ada/{name}").digest for name in ("sql", "chat")]
    assert [(one.digest, one.weight) for one in shown.manifest.parents] == list(zip(digests, (0.7, 0.3), strict=True))
    assert shown.manifest.base == hub.show("ada/sql").manifest.base
    assert told[-1][0] == told[-1][1] == done.bytes
    assert all(done <= total for done, total in told)


def test_a_plan_says_what_would_change_and_writes_nothing(hub, tmp_path):
    plan = hub.fuse_plan(MIX, tmp_path / "base")
    assert [one["weight"] for one in plan.operands] == [0.7, 0.3]
    assert {one.tensor: (one.shape, one.rank) for one in plan.tensors}["model.layers.0.self_attn.q_proj.weight"] == (
        (16, 16),
        8,
    )
    done = hub.fuse(MIX, tmp_path / "base", tmp_path / "fused")
    assert (tuple(one.tensor for one in plan.tensors), plan.copied) == (done.touched, done.copied)


def test_a_plan_tells_what_a_fuse_costs(hub, tmp_path):
    plan, done = hub.fuse_plan(MIX, tmp_path / "base"), hub.fuse(MIX, tmp_path / "base", tmp_path / "fused")
    assert plan.bytes == done.bytes == sum(path.stat().st_size for path in (tmp_path / "fused").iterdir())
    files = [file for name in ("sql", "chat") for file in hub.show(f"ada/{name}").manifest.files]
    assert plan.reads == done.bytes + sum(file.size for file in files)
    assert plan.flops == sum(2 * one.rank * one.shape[0] * one.shape[1] for one in plan.tensors)
    assert plan.rounding == 2**-24
    assert 0 < plan.memory < 10_000_000


def test_the_fit_is_asked_of_headers_and_a_base_hashed_for_an_entry_alone(hub, tmp_path, monkeypatch):
    hashed = []
    real = card.tensor_digests
    monkeypatch.setattr(card, "tensor_digests", lambda *some: hashed.append(1) or real(*some))
    hub.fuse_plan(MIX, tmp_path / "base")
    hub.fuse(MIX, tmp_path / "base", tmp_path / "fused")
    assert not hashed
    hub.fuse(MIX, tmp_path / "base", tmp_path / "kept", name="ada/both")
    assert hashed == [1]


def test_a_plan_makes_the_same_mistakes_as_a_fuse(hub, tmp_path):
    tiny("bert").save_pretrained(tmp_path / "bert")
    with pytest.raises(DoesNotFit) as planned:
        hub.fuse_plan("ada/sql", tmp_path / "bert")
    with pytest.raises(DoesNotFit) as made:
        hub.fuse("ada/sql", tmp_path / "bert", tmp_path / "fused")
    assert str(planned.value) == str(made.value)


def test_a_partial_fit_is_fused_where_it_is_asked_for(hub, tmp_path):
    for name, targets in {"more": ["q_proj", "lm_head"], "less": ["q_proj"], "none": ["lm_head"]}.items():
        hub.add(adapter(tmp_path / name, "llama", 5, target_modules=targets), f"ada/{name}")
    tiny("llama").model.save_pretrained(tmp_path / "bare")
    with pytest.raises(DoesNotFit, match="a partial fit on bare, 2 of its modules fit") as refusal:
        hub.fuse("ada/more", tmp_path / "bare", tmp_path / "fused")
    assert "partial=True (--partial)" in refusal.value.hint
    planned = hub.fuse_plan("ada/more", tmp_path / "bare", partial=True)
    result = hub.fuse("ada/more", tmp_path / "bare", tmp_path / "fused", partial=True)
    note = "ada/more: lm_head: left out, the base has no weight for it"
    assert note in planned.notes
    assert note in result.notes
    assert len(result.touched) == 2
    with pytest.raises(DoesNotFit, match="a misfit on bare"):
        hub.fuse("ada/none", tmp_path / "bare", tmp_path / "nothing", partial=True)


def test_an_adapter_without_a_place_in_the_base_is_refused_before_anything_is_written(hub, tmp_path):
    tiny("bert").save_pretrained(tmp_path / "bert")
    with pytest.raises(DoesNotFit, match="misfit"):
        hub.fuse("ada/sql", tmp_path / "bert", tmp_path / "fused")
    assert not (tmp_path / "fused").exists()


def test_all_adapters_that_are_not_there_are_told(hub, tmp_path):
    with pytest.raises(NotFound, match=r"ada/none: no such .*ada/nobody: no such"):
        hub.fuse("ada/none + ada/sql + ada/nobody", tmp_path / "base", tmp_path / "fused")


def test_a_recipe_for_a_merge_is_no_fuse(hub, tmp_path):
    recipe = b"adapters: [{adapter: ada/sql, modules: {'*': 0.5}}]\n"
    with pytest.raises(WrongUsage, match="are for merges"):
        hub.fuse(str(write_files(tmp_path, {"mix.yaml": recipe}) / "mix.yaml"), tmp_path / "base", tmp_path / "fused")


def test_a_name_that_cannot_be_is_said_first(hub, tmp_path):
    with pytest.raises(WrongUsage, match="is a folder"):
        hub.fuse(MIX, tmp_path / "base", tmp_path / "fused", name="./both")
    assert not (tmp_path / "fused").exists()


@torch.no_grad()
def test_what_was_fused_is_extracted_again(hub, tmp_path):
    hub.fuse(MIX, tmp_path / "base", tmp_path / "fused")
    got = hub.extract(tmp_path / "base", tmp_path / "fused", "ada/back", rank=8)
    assert got.relative_error < 1e-4  # what rounding into fp32 weights left
    assert got.manifest.base == hub.show("ada/sql").manifest.base
    assert got.manifest.recipe["method"] == "extract"
    model, again = tiny("llama"), tiny("llama")
    with hub.stack(model, MIX), hub.stack(again, "ada/back"):
        assert torch.allclose(ask(model, "llama"), ask(again, "llama"), atol=1e-4)


def test_a_plan_of_an_extraction_says_what_may_come_out(hub, tmp_path):
    hub.fuse(MIX, tmp_path / "base", tmp_path / "fused")
    before = tree(hub.store)
    plan = hub.extract_plan(tmp_path / "base", tmp_path / "fused", "ada/back", rank=2)
    found = {one.module: (one.shape, one.rank) for one in plan.modules}
    assert found["model.layers.0.mlp.down_proj"] == ((16, 24), 2)
    assert found["model.embed_tokens"] == ((16, 32), 2)
    assert plan.left_out["model.norm.weight"] == "it is no matrix of a module: 16"
    assert plan.writes == sum(4 * 2 * sum(one.shape) for one in plan.modules)
    assert tree(hub.store) == before
    got = hub.extract(tmp_path / "base", tmp_path / "fused", "ada/back", rank=2)
    assert set(got.errors) < set(found)
    by_energy = hub.extract_plan(tmp_path / "base", tmp_path / "fused", energy=0.5)
    assert (by_energy.writes, by_energy.modules[0].rank) == (None, None)


def test_a_plan_makes_the_same_mistakes_as_an_extraction(hub, tmp_path):
    for how in ({}, {"energy": 1.5}, {"rank": 2, "targets": "z*"}):
        with pytest.raises(AdapterHubError) as planned:
            hub.extract_plan(tmp_path / "base", tmp_path / "base", "ada/none", **how)
        with pytest.raises(AdapterHubError) as made:
            hub.extract(tmp_path / "base", tmp_path / "base", "ada/none", **how)
        assert (type(planned.value), str(planned.value)) == (type(made.value), str(made.value))


def test_an_extraction_reads_again_only_what_differs(hub, tmp_path, monkeypatch):
    hub.fuse(MIX, tmp_path / "base", tmp_path / "fused")
    read, told = set(), []
    real = extract.difference
    monkeypatch.setattr(extract, "difference", lambda pair, **how: read.add(pair.name) or real(pair, **how))
    got = hub.extract(
        tmp_path / "base", tmp_path / "fused", "ada/back", rank=8, progress=lambda *step: told.append(step)
    )
    assert read == {f"{module}.weight" for module in got.errors}
    assert told[-1][0] == told[-1][1]
    assert all(done <= total for done, total in told)


def test_what_an_extraction_loses_is_told(hub, tmp_path):
    hub.fuse(MIX, tmp_path / "base", tmp_path / "fused")
    got = hub.extract(tmp_path / "base", tmp_path / "fused", "ada/back", rank=1)
    assert got.facts.rank == 1
    assert 0.1 < got.relative_error < 1
    assert len(got.errors) == 6


def test_a_change_that_is_no_matrix_is_a_finding(hub, tmp_path):
    model = tiny("llama")
    with torch.no_grad():
        model.model.norm.weight += 1
        model.lm_head.weight += torch.randn_like(model.lm_head.weight)
    model.save_pretrained(tmp_path / "tuned")
    got = hub.extract(tmp_path / "base", tmp_path / "tuned", "ada/head", energy=0.5)
    assert got.facts.targets == ("lm_head",)
    assert [(f.check, f.place) for f in got.findings if f.check == "not-captured"] == [
        ("not-captured", "model.norm.weight")
    ]


def test_an_extraction_that_cannot_be_leaves_the_store_as_it_was(hub, tmp_path):
    before = tree(hub.store)
    with pytest.raises(WrongUsage, match="a rank or an energy"):
        hub.extract(tmp_path / "base", tmp_path / "base", "ada/none")
    assert tree(hub.store) == before
