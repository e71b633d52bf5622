"""A job of the shipped file, and what its instances say."""

import time

from .process import wait_until
from .witness import Witness
from .world import World


class NomadJob:
    """A job of the shipped file, with a name of its own."""

    def __init__(self, world: World, name: str):
        self.world, self.name = world, name

    def run(self, count: int, **variables) -> "NomadJob":
        self.world.run_redis(count=count, job_name=self.name, service=self.name, **variables)
        return self

    def spec(self, primaries: int = 3, replicas: int = 1, **more) -> dict:
        return {
            "version": 1, "mode": "cluster", "primaries": primaries, "replicasPerPrimary": replicas,
            "service": self.name, "nomad": {"job": self.name, "group": "redis"}, **more,
        }  # fmt: skip

    def wait_running(self, count: int, seconds: float = 30) -> list[dict]:
        def all_run():
            running = self.world.nomad.running(self.name)
            return running if len(running) == count else None

        return wait_until(f"{count} allocations of {self.name} run", all_run, seconds, every=0.05)

    def wait_passing(self, count: int) -> None:
        self.world.wait_for(self.name, count)

    def wait_deployed(self, count: int) -> None:
        """Nomad is done with them. Who was healthy and fails before that is not replaced, not even afterwards: Nomad
        looks again only when something else happens to the job."""
        self.wait_running(count)

        def deployed() -> bool:
            _, deployments = self.world.nomad.call("GET", f"/v1/job/{self.name}/deployments")
            return bool(deployments) and all(one["Status"] == "successful" for one in deployments)

        wait_until(f"the deployment of {self.name} is over", deployed, 30, every=0.05)

    def endpoints(self) -> dict[str, tuple[str, int]]:
        """Of what runs now, by allocation."""
        running = {allocation["ID"] for allocation in self.world.nomad.running(self.name)}
        _, entries = self.world.consul.call("GET", f"/v1/health/service/{self.name}")
        services = [entry["Service"] for entry in entries]
        return {
            service["Meta"]["alloc_id"]: (service["Address"], service["Port"])
            for service in services if service["Meta"]["alloc_id"] in running
        }  # fmt: skip

    def witness(self) -> Witness:
        return Witness(self.endpoints().values())

    def assert_whole(self, primaries: int = 3, replicas: int = 3) -> None:
        """To be called when Ready is shown: everybody serves, nothing of forming is left."""
        with self.witness() as witness:
            assert len(witness.endpoints) == primaries + replicas
            assert_serves(witness)
            assert_agree(witness, primaries, replicas)
            assert witness.settings("cluster-node-timeout") == {"5000"}, "the job's, not the short one of forming"
            assert witness.settings("cluster-allow-replica-migration") == {"no"}


def assert_serves(witness: Witness) -> None:
    assert set(witness.states()) == {"ok"}
    for table in witness.tables():
        assert sum(row.slot_count() for row in table.values()) == 16384


def assert_agree(witness: Witness, primaries: int, replicas: int) -> None:
    """Who is whose replica gets around by gossip, so the others may hear of it a moment after Ready."""
    wait_until("all tables agree", lambda: witness.what_is_amiss(primaries, replicas) == "", 5)


def stays_so(what: str, check, seconds: float = 1.5) -> None:
    """For things that must not happen there is no event to wait for: looks all the time for a while."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        assert check(), what
        time.sleep(0.05)
