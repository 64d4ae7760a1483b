"""What holds for all tests: no clock, no dice and no settings but their own; what was skipped is said aloud, and how
often a writer died.
"""

import os
import signal
import sys

import pytest
from hypothesis import HealthCheck, settings

# A busy machine is no bug of ours.
settings.register_profile("calm", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("calm")

# Whoever starts the tests has a Hub, a store, a terminal and a umask of his own. What stands here needs no proxy.
os.umask(0o022)
OWN = ("HOME", "USER", "TOKEN", "REMOTE", "BASE", "REQUIRE")
for name in ("HF_TOKEN", "HF_ENDPOINT", "COLUMNS", "FORCE_COLOR", "NO_COLOR", *(f"ADAPTERHUB_{word}" for word in OWN)):
    os.environ.pop(name, None)
if near := os.environ.get("no_proxy") or os.environ.get("NO_PROXY") or "":
    near += ","
os.environ["no_proxy"] = os.environ["NO_PROXY"] = f"{near}127.0.0.1,localhost"

# A shell lets what it starts in the background ignore Ctrl-C, and so would everything the tests start.
signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_runtest_setup() -> None:
    """A test draws the same numbers, whatever ran before it."""
    if torch := sys.modules.get("torch"):
        torch.manual_seed(20)


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
