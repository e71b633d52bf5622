"""Sends recorded requests to the stand-in and says where its answers differ from what real Nomads answered.

Compared are the status, which headers there are, the fields with their types, and the values of those fields that do not
depend on the machine, on time or on chance. Identifiers are learnt: where the recording has one, the stand-in must have
one too, and from then on they stand for each other.
"""

import json
import re
import time
from pathlib import Path

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures"
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
# Headers of the connection, not of the answer.
CONNECTION_HEADERS = {"connection", "content-length", "transfer-encoding", "date", "server", "keep-alive"}
EXACT = set(
    "Canary Client ClientDescription ClientStatus Complete Count Desired DesiredDescription DesiredStatus DesiredTotal "
    "Drain EnableTagOverride Error Failed FailsTask Healthy HealthyAllocs JobStopped JobType Label Lost Mode Name Operand "
    "Paused Placed PlacedAllocs Place PreviousCount Promoted Queued Restarts Running SchedulingEligibility Signal Stable "
    "Starting State Status StatusDescription Stop TaskGroup Type Unhealthy UnhealthyAllocs Unknown Warnings "
    "DriverConfigValidated ExitCode Migrate Reschedule NoShutdownDelay count JobVersion external-source Service Tags "
    "ServiceName exit_code signal oom_killed restart_reason Message Path Items".split()
)
# Of the machine on which it was recorded, or free for every user of Nomad.
# Checks every second instead of every two: half of the time of these tests goes by waiting for them.
QUICKER = (('interval = \\"2s\\"', 'interval = \\"1s\\"'), ('"Interval": 2000000000', '"Interval": 1000000000'))
FREE = {"Attributes", "NodeResources", "ReservedResources", "Resources", "Reserved", "Links", "Scores", "stats", "Processors"}
# A Consul that was started in another way.
IGNORED = {"NodesAvailable", "ScoreMetaData", "Definition", "Output"}


def load(version, scene):
    (path,) = (FIXTURES / f"nomad-{version}").glob(f"{scene}-*.json")
    return json.loads(path.read_text())


class Player:
    def __init__(self, stand_in, redis_server):
        self._stand_in = stand_in
        self._redis_server = redis_server
        self._ours = {}
        self._learnt = {}
        self._indexes = {}
        self.elapsed = 0.0

    def translate(self, value):
        """Recorded text with our identifiers and our path of redis-server."""
        text = json.dumps(value)
        for recorded, ours in self._ours.items():
            text = text.replace(recorded, ours)
        text = text.replace("/usr/bin/redis-server", self._redis_server)
        for slow, quick in QUICKER:
            text = text.replace(slow, quick)
        return json.loads(text)

    def learn(self, recorded_id, our_id):
        self._ours[recorded_id] = our_id

    def ours(self, recorded_id):
        return self._ours[recorded_id]

    def play(self, exchange, patience=0.0, headers=None, partial=False, of_many=False):
        """The differences; a read is repeated until there are none or `patience` seconds have passed.

        `partial`: the recorder cut the answer, so that more fields than it has are no difference. `of_many`: it
        cut the list as well; allocations that have ended may be missing from it, but none that is wanted.
        """
        deadline = time.monotonic() + patience
        while True:
            answer = self._send(exchange["request"], headers)
            self._learnt = {ours: ours for ours in self._ours.values()}  # what is compared is translated already
            differences = self._compare(exchange["response"], answer, partial, of_many)
            if not differences:  # nothing is learnt from an answer of the wrong moment
                self._ours.update(self._learnt)
            if not differences or time.monotonic() > deadline:
                return differences
            time.sleep(0.02)

    def _send(self, request, headers):
        path = self.translate(request["path"])
        for recorded, ours in self._ours.items():  # `prefix=` takes the first eight characters
            path = path.replace("prefix=" + recorded[:8], "prefix=" + ours[:8])
        plain = path.split("?")[0]
        if re.search(r"index=[1-9]", path):
            path = re.sub(r"index=\d+", f"index={self._indexes[plain]}", path)
        started = time.monotonic()
        body = request.get("body")
        answer = self._stand_in.call(request["method"], path, self.translate(body) if body is not None else None, headers)
        self.elapsed = time.monotonic() - started
        index = answer.headers.get("X-Nomad-Index")
        if index is not None:
            self._indexes[plain] = int(index)
        return answer

    def _compare(self, recorded, answer, partial, of_many):
        if answer.status_code != recorded["status"]:
            return [f"status {answer.status_code}, not {recorded['status']}: {answer.text[:200]}"]
        differences = []
        want = {name.lower() for name in recorded.get("headers", {})} - CONNECTION_HEADERS
        have = {name.lower() for name in answer.headers} - CONNECTION_HEADERS
        if want != have:
            differences.append(f"headers {sorted(have)}, not {sorted(want)}")
        elif "content-type" in want and answer.headers["Content-Type"] != recorded["headers"]["Content-Type"]:
            differences.append(f"content type {answer.headers['Content-Type']}")
        for name in answer.headers:
            if name.lower().startswith("x-nomad") and name not in recorded["headers"]:
                differences.append(f"header is written {name}")
        body = self.translate(recorded["body"])
        if isinstance(body, str) and answer.status_code != 200:
            if answer.text != body:
                differences.append(f"text {answer.text!r}, not {body!r}")
            return differences
        have = answer.json()
        if of_many and isinstance(have, list):
            have = [a for a in have if a["DesiredStatus"] == "run" or any(b is a for b in self._pairs(body, have).values())]
        self._values("", body, have, differences, partial)
        return differences

    def _values(self, path, want, have, differences, partial):
        name = path.rsplit(".", 1)[-1]
        if isinstance(want, dict) and isinstance(have, dict):
            self._objects(path, want, have, differences, partial)
        elif isinstance(want, list) and isinstance(have, list):
            self._lists(path, want, have, differences, partial)
        elif isinstance(want, str) and isinstance(have, str) and UUID.fullmatch(want) and UUID.fullmatch(have):
            expected = self._learnt.setdefault(want, have)
            if expected != have:
                differences.append(f"{path}: {have} where {expected} was before")
        elif _kind(want) != _kind(have):
            differences.append(f"{path}: {have!r} ({_kind(have)}), not {want!r} ({_kind(want)})")
        elif name in EXACT and want != have:
            differences.append(f"{path}: {have!r}, not {want!r}")
        elif name == "DisplayMessage" and _without_times(want) != _without_times(have):
            differences.append(f"{path}: {have!r}, not {want!r}")

    def _objects(self, path, want, have, differences, partial):
        name = path.rsplit(".", 1)[-1]
        if name in FREE:
            return
        if any(UUID.search(key) for key in want):  # keyed by what is different everywhere: compare the entries
            self._lists(path, list(want.values()), list(have.values()), differences, partial)
            return
        cut = {key for key in want if partial and want[key] is None}
        missing, more = want.keys() - have.keys() - IGNORED - cut, have.keys() - want.keys() - IGNORED
        if missing and name != "Meta":
            differences.append(f"{path}: without {sorted(missing)}")
        if more and name != "Meta" and not partial:
            differences.append(f"{path}: with {sorted(more)}, which Nomad does not have")
        for key in sorted(want.keys() & have.keys() - IGNORED):
            if key not in cut:
                self._values(f"{path}.{key}", want[key], have[key], differences, partial)

    def _lists(self, path, want, have, differences, partial):
        if len(want) != len(have) and path.rsplit(".", 1)[-1] != "Events":
            differences.append(f"{path}: {len(have)} entries, not {len(want)}")
            return
        if len(want) != len(have):
            shown = [[one.get("Type") for one in side] for side in (have, want)]
            differences.append(f"{path}: events {shown[0]}, not {shown[1]}")
            return
        pairs = self._pairs(want, have) if _is_allocs(want) else dict(enumerate(_by_name(have)))
        for i, item in enumerate(want if _is_allocs(want) else _by_name(want)):
            if i in pairs:
                self._values(f"{path}[{i}]", item, pairs[i], differences, partial)
            else:
                shown = {name: item[name] for name in ("Name", "DesiredStatus", "ClientStatus")}
                differences.append(f"{path}: none like {shown}")

    def _pairs(self, want, have):
        """{position in the recording: our allocation}: lists come in the order of identifiers, which mean nothing."""
        left, pairs = list(have), {}
        for i, item in enumerate(want):
            known = next((a for a in left if a["ID"] == item["ID"]), None)  # `want` is translated already
            if known:
                pairs[i] = known
                left.remove(known)
        names = ("Name", "DesiredStatus", "ClientStatus")
        for i, item in enumerate(want):
            alike = [a for a in left if all(a[name] == item[name] for name in names)]
            if i not in pairs and alike:
                pairs[i] = alike[0]
                left.remove(alike[0])
        return pairs


def _is_allocs(items):
    return bool(items) and all(isinstance(item, dict) and "ClientStatus" in item for item in items)


def _by_name(items):
    """Nodes, too, come in the order of their identifiers."""
    if all(isinstance(item, dict) and "Status" in item and "Name" in item for item in items):
        return sorted(items, key=lambda item: item["Name"])
    return items


def _kind(value):
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int):
        return "int"
    return type(value).__name__


def _without_times(text):
    return re.sub(r"[0-9.]+(ms|m?s)", "TIME", text)
