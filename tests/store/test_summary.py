"""The line of an entry in a list."""

from pathlib import Path

from tests.builders import POET, entry, entry_of, filled

PIN = {"evidence": "name", "source": "org/tiny"}


def test_a_summary_says_what_the_files_and_the_notes_say(tmp_path: Path) -> None:
    store = filled(tmp_path)
    store.publish(entry(0, notes=[("metrics", {"accuracy": 0.5}), ("base", PIN), ("license", {"id": "MIT"})]), POET)
    (line,) = store.summaries()
    assert (line.metrics, line.base_name, line.license, line.bytes) == (
        {"accuracy": 0.5},
        "org/tiny",
        "MIT",
        entry(0).manifest.size,
    )


def test_the_manifests_pin_wins_over_a_note(tmp_path: Path) -> None:
    store = filled(tmp_path)
    pinned = entry_of({}, kind="data", base={**PIN, "source": "org/first"}, notes=[("base", PIN)])
    store.publish(pinned, POET)
    (line,) = store.summaries()
    assert line.base == {} or line.base["source"] == "org/first"


def test_what_cannot_be_read_is_listed_with_the_reason_and_hides_nothing(tmp_path: Path) -> None:
    store = filled(tmp_path, "ada/poet", "ada/x")
    store.layout.blob(entry(0).digest).unlink()
    broken, well = store.summaries()
    assert (broken.reference, broken.facts.health) == ("ada/poet@1", "unreadable")
    assert "is missing" in broken.facts.findings[0].message
    assert (well.reference, well.facts.health) == ("ada/x@1", "ok")
