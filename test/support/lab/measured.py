"""What stories have to tell beside passing: shown at the end of the run. For a conftest, which imports all three."""

import pytest

_lines: list[str] = []


def pytest_terminal_summary(terminalreporter):
    if _lines:
        terminalreporter.section("measured")
        for line in _lines:
            terminalreporter.write_line(line)


@pytest.fixture(scope="session")
def told():
    """told("53 effects"): a line at the end of the run."""
    return _lines.append


@pytest.fixture(scope="session")
def measured(told):
    """measured("what", seconds): the same of a time."""
    return lambda what, seconds: told(f"{seconds:6.2f} s  {what}")
