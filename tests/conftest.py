"""What holds for all tests: hypothesis has no clock, and what was skipped is said aloud."""

import pytest
from hypothesis import settings

# A busy machine is no bug of ours.
settings.register_profile("calm", deadline=None)
settings.load_profile("calm")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reasons = {report.longrepr[2] for report in terminalreporter.getreports("skipped") if report.longrepr}
    for reason in sorted(reasons):
        terminalreporter.write_line(f"NOT TESTED: {reason}", yellow=True)
