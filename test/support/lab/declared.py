"""One declared cluster, as the world sees it: its keys in Consul, what the leader serves over HTTP, its events."""

import json
import time
import urllib.error

from .consul import Consul
from .operator import Operator
from .process import StartFailed
from .world import World


class Declared:
    def __init__(self, world: World, name: str, prefix: str = "redis-operator/", url: str = ""):
        """`url` is of the operator to ask; without one it is the leader's."""
        self.world = world
        self.name = name
        self._other_consul: Consul | None = None
        self._prefix = prefix
        self._url = url

    def of(self, consul: Consul, operator: Operator) -> "Declared":
        """From now on it is the one of another Consul, and this operator tells of it."""
        self._other_consul, self._prefix, self._url = consul, operator.kv_prefix, operator.url
        return self

    @property
    def _consul(self) -> Consul:
        return self._other_consul or self.world.consul

    def key(self, document: str) -> str:
        return f"{self._prefix}clusters/{self.name}/{document}"

    def put(self, spec: dict | bytes) -> None:
        """Writes the spec as a user does who has no command line at hand."""
        self._consul.put(self.key("spec"), spec if isinstance(spec, bytes) else json.dumps(spec).encode())

    def remove(self) -> None:
        self._consul.delete(self.key("spec"))

    def document(self, name: str):
        value = self._consul.get(self.key(name))
        return json.loads(value) if value else {}

    def record(self) -> dict:
        return self.document("record")

    def until_record(self, what: str, check, seconds: float = 20):
        """By blocking queries: back within milliseconds."""
        return self._consul.until_key(self.key("record"), what, lambda record: check(record or {}), seconds)

    def status(self) -> dict:
        """The leader's own view, which is never late; {} when it has none."""
        url = self._url or self.world.leader_url()
        try:
            with self.world.open(f"{url}/v1/clusters/{self.name}") as answer:
                return json.load(answer)
        except urllib.error.HTTPError:
            return {}
        except OSError:  # It was killed a moment ago.
            return {}

    def conditions(self) -> dict[str, dict]:
        return by_type(self.status())

    def until(self, what: str, check, seconds: float = 30) -> dict:
        """The first status of which `check` says yes."""
        deadline = time.monotonic() + seconds
        while True:
            status = self.status()
            if status and check(status):
                return status
            if time.monotonic() > deadline:
                raise StartFailed(f"cluster {self.name}: {what}: not within {seconds:g} s. It says: {brief(status)}")
            time.sleep(0.02)

    def until_phase(self, phase: str, reason: str = "", seconds: float = 30) -> dict:
        def is_so(status: dict) -> bool:
            return status["phase"] == phase and reason in ("", status["reason"])

        return self.until(f"{phase} {reason}", is_so, seconds)

    def until_ready(self, seconds: float = 30) -> dict:
        return self.until_phase("Ready", seconds=seconds)

    def until_condition(self, kind: str, truth: str, reason: str = "", text: str = "", seconds: float = 30) -> dict:
        def is_so(status: dict) -> bool:
            condition = by_type(status).get(kind, {})
            return condition.get("status") == truth and reason in condition["reason"] and text in condition["message"]

        status = self.until(f"{kind}={truth} {reason} {text}", is_so, seconds)
        return by_type(status)[kind]


def by_type(status: dict) -> dict[str, dict]:
    return {condition["type"]: condition for condition in status.get("conditions", [])}


def brief(status: dict) -> str:
    if not status:
        return "nothing"
    lines = [f"{status['phase']} ({status['reason']}): {status['message']}"]
    lines += [f"  {c['type']}={c['status']} {c['reason']}: {c['message']}" for c in status["conditions"]]
    lines += [f"  {i['instance']} {i['address']} {i['role']} {i['state']}" for i in status["instances"]]
    return "\n".join(lines)
