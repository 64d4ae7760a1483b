"""Bases and fits, for those who may hear of them."""

from collections import Counter

import pytest

from adapterhub.digest import Digest
from adapterhub.errors import NotFound, Refused
from adapterhub.hub import Hub
from adapterhub.reference import Name
from adapterhub.store.index import alike
from adapterhub.verbs import hub_fit
from adapterhub.verbs.bases import base_add_card, card_for
from adapterhub.verbs.hub_fit import bases_for, fit_row, fitting_on
from adapterhub.verbs.hub_repos import set_private
from adapterhub.verbs.matrix import known_adapters
from tests.builders import tiny_adapter, tiny_base, write_files

NOBODY, BOB, ALL = frozenset(), frozenset({"bob"}), None


@pytest.fixture
def hub(tmp_path):
    """Bases one, two and three; ada/open (public) on one, bob/own on two; ada/bare knows its base by name."""
    hub = Hub.open(tmp_path / "store")
    for seed, name in enumerate(("one", "two", "three")):
        hub.base_add(tiny_base(tmp_path / name, seed=seed))
    hub.add(tiny_adapter(tmp_path / "a", seed=1), "ada/open", base=tmp_path / "one")
    hub.add(tiny_adapter(tmp_path / "b", seed=2), "bob/own", base=tmp_path / "two")
    hub.add(tiny_adapter(tmp_path / "c", seed=3), "ada/bare")
    hub.add(tiny_adapter(tmp_path / "d", seed=4), "ada/bare")
    set_private(hub.desk, Name("ada", "open"), False)
    return hub


def on(hub, card, who, most):
    """What fits a base, once everything was read."""
    known_adapters(hub.desk)
    return fitting_on(hub.desk, card, who, most)[:2]


def names(hub, who):
    return [card.name for card in bases_for(hub.desk, who).values()]


def test_who_sees_all_hears_of_all_and_others_of_those_their_adapters_are_pinned_to(hub):
    assert names(hub, ALL) == ["one", "three", "two"]
    assert names(hub, BOB) == ["one", "two"]
    assert names(hub, NOBODY) == ["one"]
    set_private(hub.desk, Name("ada", "open"), True)
    assert names(hub, NOBODY) == []


def test_a_damaged_card_hides_no_other(hub):
    first = next(iter(bases_for(hub.desk, ALL)))
    hub.desk.store.layout.base(first).write_bytes(b"{}")
    assert names(hub, ALL) == ["three", "two"]


def test_a_row_has_the_best_fit_first(hub):
    row = fit_row(hub.desk, "bob/own", bases_for(hub.desk, ALL))
    assert [(report.base.name, report.verdict) for _, report in row] == [
        ("two", "exact"),
        ("one", "drifted"),
        ("three", "drifted"),
    ]
    assert fit_row(hub.desk, "bob/own", {}) == []


def test_what_cannot_be_audited_is_refused(hub, tmp_path):
    hub.add(write_files(tmp_path / "rows", {"rows.csv": b"text,label\na,1\n"}), "ada/rows")
    with pytest.raises(Refused, match="only PEFT"):
        fit_row(hub.desk, "ada/rows", bases_for(hub.desk, ALL))


def test_a_base_has_the_newest_version_of_each_adapter_the_best_first(hub):
    one = next(card for card in bases_for(hub.desk, ALL).values() if card.name == "one")
    counts, fits = on(hub, one, ALL, 9)
    assert [(report.adapter, report.verdict) for report in fits] == [
        ("ada/open@1", "exact"),
        ("ada/bare@2", "unpinned"),
        ("bob/own@1", "drifted"),
    ]
    assert counts == {"exact": 1, "unpinned": 1, "drifted": 1}
    assert [report.adapter for report in on(hub, one, BOB, 9)[1]] == ["ada/open@1", "bob/own@1"]
    assert [report.adapter for report in on(hub, one, NOBODY, 9)[1]] == ["ada/open@1"]


def test_a_base_says_of_each_adapter_what_the_audit_says(hub, tmp_path):
    for seed, name in enumerate(("other", "like"), 40):
        hub.add(tiny_adapter(tmp_path / name, seed=seed), f"bob/{name}", base=tmp_path / "two")
    hub.add(tiny_adapter(tmp_path / "large", size=6), "bob/large")
    for card in bases_for(hub.desk, ALL).values():
        counts, fits = on(hub, card, ALL, 9)
        said = [one for one in hub.audit() if one.base.name == card.name and one.adapter != "ada/bare@1"]
        assert Counter(one.verdict for one in said) == counts
        assert sorted(map(str, fits)) == sorted(str(one) for one in said if one.verdict != "misfit")
        assert on(hub, card, ALL, 2) == (counts, fits[:2])


def test_adapters_that_fit_alike_are_asked_once_and_shown_by_name(hub, tmp_path, monkeypatch):
    for seed in range(10, 15):
        hub.add(tiny_adapter(tmp_path / f"s{seed}", seed=seed), f"cy/s{seed}")
    asked, real = [], hub_fit.fitting

    def counted(desk, bases):
        fits = real(desk, bases)
        return lambda adapter: asked.append(adapter) or fits(adapter)

    monkeypatch.setattr(hub_fit, "fitting", counted)
    monkeypatch.setattr(alike, "MOST", 1)
    one = next(card for card in bases_for(hub.desk, ALL).values() if card.name == "one")
    counts, fits = on(hub, one, ALL, 4)
    assert [report.adapter for report in fits] == ["ada/open@1", "ada/bare@2", "cy/s10@1", "cy/s11@1"]
    assert (counts["unpinned"], len(asked)) == (6, 3)


def test_an_adapter_that_cannot_be_read_hides_no_other(hub):
    one = next(card for card in bases_for(hub.desk, ALL).values() if card.name == "one")
    digest = next(line.digest for line in hub.list() if line.reference == "bob/own@1")
    hub.desk.store.layout.blob(Digest.parse(digest)).unlink()
    assert [report.adapter for report in on(hub, one, ALL, 9)[1]] == ["ada/open@1", "ada/bare@2"]


def test_what_was_not_read_yet_is_counted_and_left_out(hub):
    one = next(card for card in bases_for(hub.desk, ALL).values() if card.name == "one")
    assert fitting_on(hub.desk, one, ALL, 9) == (Counter(), [], 3)
    assert [fitting_on(hub.desk, one, who, 9)[2] for who in (ALL, BOB, NOBODY)] == [3, 2, 1]
    known_adapters(hub.desk)
    assert fitting_on(hub.desk, one, ALL, 9)[2] == 0


def test_a_base_nobody_named_here_is_called_what_the_adapters_that_are_seen_call_it(tmp_path):
    maker, server = Hub.open(tmp_path / "maker"), Hub.open(tmp_path / "server")
    base, said = tiny_base(tmp_path / "base"), {"ada/bare": None, "bob/poet": "bob/base", "ada/poet": "ada/base"}
    for at, (name, named) in enumerate(said.items()):
        maker.add(tiny_adapter(tmp_path / name, seed=at, base_model_name_or_path=named), name, base=base)
    maker.push(said, f"file://{tmp_path}/server")
    (card,) = bases_for(server.desk, ALL)
    assert names(server, ALL) == names(server, BOB) == [f"bob/base [{card.short}]"]
    assert names(server, frozenset({"ada"})) == [f"ada/base [{card.short}]"]
    assert server.base_show(f"bob/base [{card.short}]").card == str(card)
    with pytest.raises(NotFound, match="bob/base"):
        server.base_show("bob/base")  # hearsay alone means no base
    base_add_card(server.desk, card_for(server.desk, card.short))  # as adding an adapter by these digits does
    assert names(server, frozenset({"ada"})) == [f"ada/base [{card.short}]"]
    server.base_add(base)
    assert names(server, ALL) == ["base"]


@pytest.mark.parametrize("named", ["x" * 121, "two\nlines", "\x1b[2J", "sha256:" + "0" * 64])
def test_what_cannot_stand_in_a_line_is_no_name(tmp_path, named):
    maker, server = Hub.open(tmp_path / "maker"), Hub.open(tmp_path / "server")
    files = tiny_adapter(tmp_path / "poet", base_model_name_or_path=named)
    maker.add(files, "ada/poet", base=tiny_base(tmp_path / "base"))
    maker.push(["ada/poet"], f"file://{tmp_path}/server")
    (card,) = bases_for(server.desk, ALL)
    assert names(server, ALL) == [card.short]


def test_a_base_that_was_pinned_later_is_not_called_what_the_config_calls_another(tmp_path):
    maker, server = Hub.open(tmp_path / "maker"), Hub.open(tmp_path / "server")
    bases = [tiny_base(tmp_path / str(seed), seed=seed) for seed in (1, 2)]
    maker.add(tiny_adapter(tmp_path / "poet", base_model_name_or_path="org/first"), "ada/poet", base=bases[0])
    maker.pin("ada/poet", bases[1])
    maker.push(["ada/poet"], f"file://{tmp_path}/server")
    found = {str(digest): card.name for digest, card in bases_for(server.desk, ALL).items()}
    meant, pinned = (maker.base_show(str(base)).card for base in bases)
    assert found == {meant: f"org/first [{meant[7:19]}]", pinned: pinned[7:19]}


def test_a_folder_with_digits_in_brackets_is_a_folder(tmp_path):
    base = tiny_base(tmp_path / "llama [0123456789ab]")
    assert Hub.open(tmp_path / "store").base_show(str(base)).tensors
