"""What the stories of failing hosts start from: one lab of three hosts, an operator on each; a cluster for each story.

All of it is in a network namespace of its own, which the process enters here, before anything else is done.
"""

import pathlib
import re
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

from lab.hosted import Hosted  # noqa: E402
from lab.hosts import Lab  # noqa: E402
from lab.measured import measured, pytest_terminal_summary, told  # noqa: E402, F401
from lab.net import enter  # noqa: E402

enter()


@pytest.fixture(scope="session")
def started(tmp_path_factory):
    lab = Lab(tmp_path_factory.mktemp("lab"))
    lab.start_operators()
    yield lab
    lab.close()


@pytest.fixture
def lab(started):
    """Healed and whole, before the story and after it."""
    make_whole(started)
    yield started
    make_whole(started)


def make_whole(lab: Lab) -> None:
    lab.heal()
    for host in lab.hosts:
        host.wake()
        if not host.consul.process.alive():
            host.consul.restart()
    lab.wait_whole()
    lab.start_operators()
    lab.until_one_leads()


@pytest.fixture
def cluster(lab, tmp_path, request):
    """The story's cluster; nothing is started or declared yet."""
    name = re.sub(r"[^a-z0-9]+", "-", request.node.name.removeprefix("test_").lower())[:50].strip("-")
    some = Hosted(lab, name, tmp_path)
    yield some
    make_whole(lab)  # Where nothing works, nothing can be taken away.
    some.close()
