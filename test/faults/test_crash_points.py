"""The operator dies before or after one of the effects that it has on real servers, and another one, without a hint, finishes:
in the end all is as after a life in which nobody died, and nothing was done twice.

A sample, for test/crash kills a simulated one at every point. A life of a cluster is disturbed while it is formed, while a
replica is placed, and while that one is forgotten. Three lives at a time, since they mostly wait.
"""

import queue
import time
from concurrent.futures import Future, ThreadPoolExecutor

import pytest
from lab.checkpoint import Point
from lab.job import stays_so
from lab.life import Lane, Life
from lab.net import SUBNET, make_bridge, run
from lab.world import World

HOSTS = range(101, 104)  # Of Consul, Nomad and what runs on it: at the bridge itself, as nothing fails there.
LANES = 3


def before(effect: str, which: int = 1) -> Point:
    return Point("before", effect, which)


def after(effect: str, which: int = 1) -> Point:
    return Point("after", effect, which)


LOCK = "lock leader, write epoch, write installation"
FORMING, FORMED = "write record: forming, 6 members, 0 former", "write record: formed, 6 members, 0 former"
ENTERED, RETIRED = "write record: formed, 7 members, 0 former", "write record: formed, 6 members, 1 former"
SHORT, LONG = "CONFIG SET cluster-node-timeout 500", "CONFIG SET cluster-node-timeout 2000"
EPOCH, SLOTS, MEET = "CLUSTER SET-CONFIG-EPOCH", "CLUSTER ADDSLOTSRANGE 5461 10921", "CLUSTER MEET"
FOLLOW, FORGET = "CLUSTER REPLICATE", "CLUSTER FORGET"

# A life each: killed while forming, while placing, while forgetting.
LIVES = [
    (after(LOCK), before(ENTERED), before(RETIRED)),
    (before(FORMING), after(ENTERED), after(RETIRED)),
    (after(SHORT, 3), before(MEET), before(FORGET)),
    (before(EPOCH, 2), after(MEET, 2), after(FORGET)),
    (after(SLOTS), before(FOLLOW), before(FORGET, 4)),
    (before(MEET, 8), after(FOLLOW), after(FORGET, 6)),
    (after(FOLLOW),),
    (after(LONG, 3),),
    (after(FORMED),),
]
# Nothing that throws away or forces anything.
NEEDED = {"CLUSTER ADDSLOTSRANGE", "CONFIG SET", EPOCH, MEET, FOLLOW, FORGET, "CLIENT KILL"}


class Told:
    """Of one life: after each deed the state, and what the watched operator did for it."""

    def __init__(self) -> None:
        self.states: list[list[str]] = []
        self.effects: list[list[str]] = []


def live(life: Life, points: tuple[Point | None, ...], like: Told | None = None) -> Told:
    told = Told()
    for number, (deed, point) in enumerate(zip((life.form, life.place, life.forget), points, strict=False)):
        deed(point)
        told.states.append(state_like(life, like.states[number]) if like else life.state())
        told.effects.append(life.effects())
        with life.job.witness() as witness:
            if number == 0:
                witness.write()
            witness.read()
    audit, now = life.audit(), life.audit().now()
    stays_so("nobody changes anything more", lambda: not now.all())
    audit.assert_fenced()
    done = [" ".join(entry.words[:2]) for entry in audit.all()]
    assert set(done) <= NEEDED
    assert done.count("CLUSTER ADDSLOTSRANGE") == 3, "formed twice"
    return told


def state_like(life: Life, expected: list[str], seconds: float = 10) -> list[str]:
    """A status may be a moment behind."""
    deadline = time.monotonic() + seconds
    while (state := life.state()) != expected and time.monotonic() < deadline:
        time.sleep(0.1)
    assert state == expected
    return state


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    make_bridge()
    for number in HOSTS:
        run("ip", "addr", "add", f"{SUBNET}.{number}/24", "dev", "lab")
    with World(tmp_path_factory.mktemp("world"), network=SUBNET, first=HOSTS.start) as started:
        yield started


@pytest.fixture(scope="module")
def lives(world, tmp_path_factory, told):
    """The life that nobody disturbs, and of each of LIVES what is to become of it."""
    lanes: queue.Queue[Lane] = queue.Queue()
    for number in range(LANES):
        lanes.put(Lane(number, world))

    def one(name: str, folder, points, like: Told | None = None) -> Told:
        lane = lanes.get()
        life = Life(world, folder, name, lane)
        try:
            return live(life, points, like)
        finally:
            life.close()
            lanes.put(lane)

    with ThreadPoolExecutor(LANES) as pool:
        undisturbed = one("undisturbed", tmp_path_factory.mktemp("undisturbed"), (None, None, None))
        begun: list[Future[Told]] = [
            pool.submit(one, f"life-{i}", tmp_path_factory.mktemp(f"life-{i}"), points, undisturbed)
            for i, points in enumerate(LIVES)
        ]
        yield undisturbed, begun
    told(f"{sum(map(len, undisturbed.effects))} effects seen, "
         f"killed at {sum(len(life.result().effects) for life in begun if not life.exception())} points")  # fmt: skip
    while not lanes.empty():
        lanes.get().checkpoint.close()


def test_points_are_what_an_operator_does(lives):
    """Else a point would be waited for in vain. And there is no other way to write than those that are named here."""
    undisturbed, _ = lives
    for points in LIVES:
        for point, effects in zip(points, undisturbed.effects, strict=False):
            assert effects.count(point.effect) >= point.which, f"{point}: {effects}"
    unnamed = {one for some in undisturbed.effects for one in some if "/v1/" in one}
    assert not unnamed


@pytest.mark.parametrize("number", range(len(LIVES)), ids=lambda i: ", ".join(map(str, LIVES[i])))
def test_operator_killed(lives, number):
    _, begun = lives
    begun[number].result(120)
