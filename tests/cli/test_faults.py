"""Every failure says what happened, what to do next, and leaves with its own exit code."""

import errno
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from adapterhub import errors
from adapterhub.cli import faults
from adapterhub.cli.faults import guarded
from tests.cli.builders import adapter


def failing(error: BaseException):
    """A command line that fails so."""

    def run(words: list[str]) -> int:
        raise error

    return run


@pytest.mark.parametrize("name", errors.__all__)
def test_an_error_has_its_message_its_hint_and_its_code(capsys, name):
    kind = getattr(errors, name)
    assert guarded(failing(kind("ada/a: gone", hint="adapterhub list")), []) == kind.code
    assert capsys.readouterr() == ("", "error: ada/a: gone\nhint: adapterhub list\n")


def test_an_error_without_a_hint_has_one_line(capsys):
    guarded(failing(errors.NotFound("ada/a: gone")), [])
    assert capsys.readouterr().err == "error: ada/a: gone\n"


def test_a_fault_of_ours_is_one_line_and_how_to_get_more(capsys):
    assert guarded(failing(ZeroDivisionError("by zero")), []) == 1
    first, hint = capsys.readouterr().err.splitlines()
    assert first == "error: a fault of adapterhub: ZeroDivisionError: by zero"
    assert "--debug" in hint


def test_debug_shows_the_traceback(capsys):
    assert guarded(failing(errors.NotFound("ada/a: gone")), ["list", "--debug"]) == 3
    err = capsys.readouterr().err
    assert err.startswith("Traceback (most recent call last)")
    assert err.endswith("error: ada/a: gone\n")


@pytest.mark.parametrize(
    ("number", "code"),
    [(errno.ENOENT, 3), (errno.ENOSPC, 7), (errno.EFBIG, 7), (errno.EMFILE, 7), (errno.EBADF, 7), (errno.EIO, 5)],
)
def test_what_the_system_refuses_names_the_file_and_is_no_fault_of_ours(capsys, number, code):
    assert guarded(failing(OSError(number, "what it says", "/some/file")), []) == code
    err = capsys.readouterr().err
    assert "/some/file" in err
    assert "\nhint: " in err


@pytest.mark.parametrize("words", [["add", "./poet", "ada/poet"], ["export", "ada/poet", "./out"]], ids=" ".join)
def test_a_file_that_may_not_grow_is_named_with_a_hint(run, tmp_path, words):
    adapter(tmp_path / "poet", size=64)
    if words[0] != "add":
        run("add", "./poet", "ada/poet")
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (1024, 1024))"
    ran = run(*words, code=7, prelude=limit)
    assert re.match(rf"error: {tmp_path}/.+: File too large\nhint: .*limit", ran.err)


def test_what_is_not_installed_is_named(capsys):
    assert guarded(failing(ModuleNotFoundError("No module named 'torch'", name="torch.nn")), []) == 7
    assert "hint: pip install torch" in capsys.readouterr().err


def test_a_stranger_cannot_speak_to_the_terminal(capsys):
    guarded(failing(errors.Corrupt("\x1b[2J: not a name\nerror: all is well")), [])
    assert capsys.readouterr().err == "error: \\x1b[2J: not a name\\nerror: all is well\n"


def test_an_interrupt_is_quiet(capsys):
    assert guarded(failing(KeyboardInterrupt()), []) == 130
    assert capsys.readouterr() == ("", "")


def test_a_reader_that_has_gone_is_quiet(tmp_path):
    script = "from adapterhub.cli.app import main; main()"
    command = [sys.executable, "-c", script, "schema", "--store", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as done:
        done.stdout.close()
        assert done.stderr.read() == b""
    assert done.returncode == faults.CLOSED


def test_with_json_an_error_leaves_standard_output_empty(call):
    ran = call("show", "ada/none", "--json", code=3)
    assert ran.out == ""
    assert ran.err.startswith("error: ada/none")


def test_a_merge_that_cannot_be_written_is_no_fault_of_ours(run, tmp_path):
    adapter(tmp_path / "poet", size=64)
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (64, 64))"
    ran = run("merge", "./poet + ./poet", "ada/both", code=7, prelude=limit)
    assert "adapter_model.safetensors: File too large" in ran.err


def test_standard_output_that_is_full_is_named(tmp_path):
    script = "from adapterhub.cli.app import main; main()"
    command = [sys.executable, "-c", script, "schema", "manifest", "--store", str(tmp_path)]
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, check=False)
    assert done.returncode == 7
    assert done.stderr.startswith(b"error: standard output: No space left on device\nhint: ")


def test_a_closed_standard_output_is_no_fault(run, tmp_path):
    adapter(tmp_path / "poet")
    run("add", "./poet", "ada/poet")
    assert run("list", prelude="import sys; sys.stdout = None").err == ""


def test_of_a_run_of_several_one_speaks_and_the_others_wait_for_it(capsys, monkeypatch):
    waited = []
    monkeypatch.setattr(faults.time, "sleep", waited.append)
    error = errors.NotFound("rows.csv: no such file")
    error.elsewhere = True
    assert guarded(failing(error), []) == errors.NotFound.code
    monkeypatch.setenv("LOCAL_RANK", "1")
    assert guarded(failing(errors.WrongUsage("the same words")), []) == errors.WrongUsage.code
    assert capsys.readouterr() == ("", "")
    assert waited == [faults.PAUSE] * 2
    guarded(failing(errors.Refused("mine alone")), [])
    rows = errors.WrongUsage("of my rows alone")
    rows.elsewhere = False
    guarded(failing(rows), [])
    assert capsys.readouterr().err == "error: mine alone\nerror: of my rows alone\n"


def test_torchrun_finds_in_its_file_what_a_process_died_of(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCHELASTIC_ERROR_FILE", str(tmp_path / "error.json"))
    guarded(failing(errors.NotFound("rows.csv: no such file", hint="look")), [])
    told = json.loads((tmp_path / "error.json").read_text())["message"]
    assert told["message"] == "rows.csv: no such file\nlook"
    assert told["extraInfo"]["timestamp"].isdigit()
