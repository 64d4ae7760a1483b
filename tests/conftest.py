"""What holds for all tests: hypothesis has no clock; what was skipped is said aloud, and how often a writer died."""

import signal

import pytest
from hypothesis import settings

# A busy machine is no bug of ours.
settings.register_profile("calm", deadline=None)
settings.load_profile("calm")

# A shell lets what it starts in the background ignore Ctrl-C, and so would everything the tests start.
signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reasons = {report.longrepr[2] for report in terminalreporter.getreports("skipped") if report.longrepr}
    for reason in sorted(reasons):
        terminalreporter.write_line(f"NOT TESTED: {reason}", yellow=True)
    kills = sum(
        number
        for report in terminalreporter.getreports("passed")
        for key, number in report.user_properties
        if key == "kills"
    )
    if kills:
        terminalreporter.write_line(f"{kills} processes were killed, each at a step of its own, and lost nothing")
