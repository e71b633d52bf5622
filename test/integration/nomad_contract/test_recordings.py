"""The stand-in answers what Nomad 1.6.5 and 2.0.5 answered: the recorded scenes in their order, one job through all of them.

Both versions are played at the same time, each by a stand-in of its own with Consul agents of its own.
"""

import json
import os
import signal

import pytest
import replay
import requests
from conftest import VERSIONS, StandIn, in_parallel, wait_until


class World:
    """One version: its stand-in, its Consul, and the player that knows which of its identifiers stand for which."""

    def __init__(self, version, consuls, folder, redis_server, **options):
        folder.mkdir()
        self.version = version
        self.consul = consuls[0]
        self.redis_server = redis_server
        self.stand_in = StandIn(version, consuls, folder, **options)
        self.player = replay.Player(self.stand_in, redis_server)

    def scene(self, number):
        return replay.load(self.version, number)

    def check(self, exchange, **options):
        request = exchange["request"]
        differences = self.player.play(exchange, **options)
        assert not differences, f"{request['method']} {request['path']}:\n  " + "\n  ".join(differences)

    def allocs(self, **wanted):
        return self.stand_in.allocs("redis-cache", **wanted)

    def hold(self, host):
        """Keeps a host from starting anything, so that what is pending can be seen however busy the machine is."""
        self.stand_in.call("POST", f"/test/host/{host}/disconnect", {"heartbeat_seconds": 3600})

    def release(self, host):
        self.stand_in.call("POST", f"/test/host/{host}/connect")

    def deploying(self):
        return self.stand_in.get("/v1/job/redis-cache/deployment")["Status"] == "running"


@pytest.fixture(scope="module")
def worlds(consuls, redis_server, tmp_path_factory):
    """One host each, as in the recordings; the scenes follow each other."""
    folder = tmp_path_factory.mktemp("nomad")
    found = [World(v, consuls[v][:1], folder / v, redis_server) for v in VERSIONS]
    yield found
    for world in found:
        world.stand_in.stop()


def each(worlds, play):
    in_parallel({world.version: (lambda world=world: play(world)) for world in worlds})


def without_repeats(scene):
    """Of equal lists of allocations that follow each other, the first."""
    kept = []
    for exchange in scene:
        before = kept[-1] if kept else None
        path = exchange["request"]["path"].split("?")[0]
        if before and path.endswith("/redis-cache/allocations") and path == before["request"]["path"].split("?")[0]:
            shown = [[{**alloc, "ModifyIndex": 0} for alloc in e["response"]["body"]] for e in (before, exchange)]
            if shown[0] == shown[1]:
                continue
        kept.append(exchange)
    return kept


def test_01_agent_and_nodes(worlds):
    def play(world):
        for exchange in world.scene("01"):
            partial = exchange["request"]["path"].startswith(("/v1/agent/self", "/v1/node/", "/v1/operator"))
            world.check(exchange, partial=partial)

    each(worlds, play)


def test_02_job_register_and_03_allocations_blocking(worlds):
    """One test, for the second scene begins while the job of the first one starts."""

    def play(world):
        world.hold("n1")
        for exchange in world.scene("02"):
            path = exchange["request"]["path"]
            if exchange.get("note") == "syntax error" and world.version == "1.6.5":  # the words of an older parser
                answer = world.stand_in.call("POST", path, exchange["request"]["body"])
                assert (answer.status_code, answer.text[:21]) == (400, "Failed to parse job: ")
            else:
                patience = 3 if exchange["request"]["method"] == "GET" else 0
                world.check(exchange, patience=patience, partial=path.startswith("/v1/evaluation"))
        for exchange in without_repeats(world.scene("03")):
            path = exchange["request"]["path"]
            world.check(exchange, patience=10, partial=path.startswith("/v1/allocation/"))
            if "index=0" in path:
                world.release("n1")

    each(worlds, play)


def test_03_a_blocked_read_without_news_takes_its_time(worlds):
    def play(world):
        wait_until(lambda: not world.deploying(), "the deployment is over", 10)
        path = "/v1/job/redis-cache/allocations"
        index = world.stand_in.call("GET", path).headers["X-Nomad-Index"]
        answer = world.stand_in.call("GET", f"{path}?index={index}&wait=1s")
        assert answer.headers["X-Nomad-Index"] == index
        assert 1.0 <= answer.elapsed.total_seconds() <= 1.0 + 1.0 / 16 + 0.5  # the jitter, and a busy machine

    each(worlds, play)


class ConsulAsStandIn:
    """Consul in the place where the player expects Nomad; its headers are not of interest."""

    def __init__(self, consul):
        self._consul = consul

    def call(self, method, path, body, headers):
        answer = requests.request(method, f"http://{self._consul.http}{path}", timeout=10)
        answer.headers.clear()
        return answer


def test_04_consul_view(worlds):
    def play(world):
        player = replay.Player(ConsulAsStandIn(world.consul), "")
        for exchange in world.scene("04"):
            exchange["response"]["headers"] = {}
            differences = player.play(exchange, patience=5)
            assert not differences, "\n".join(differences)

    each(worlds, play)


def test_05_scale(worlds):
    def play(world):
        for exchange in world.scene("05"):
            path = exchange["request"]["path"]
            if path == "/v1/job/redis-cache":  # the recorder has put together what it shows of the job
                check_summary_of_job(world, exchange["response"]["body"])
                continue
            if exchange["request"].get("body", {}).get("Message") in ("same", "scale in"):
                wait_until(lambda: not world.deploying(), "no deployment is active", 10)
            patience = 10 if exchange["request"]["method"] == "GET" else 0
            world.check(exchange, patience=patience, partial=path.endswith("/allocations"))

    each(worlds, play)


def check_summary_of_job(world, want):
    job = world.stand_in.get("/v1/job/redis-cache")
    shown = {name: job[name] for name in ("ID", "Version", "Stable", "Status")}
    shown["count"] = [group["Count"] for group in job["TaskGroups"]]
    assert shown == {name: want[name] for name in shown}


def test_06_task_killed_restarts_in_place(worlds):
    def play(world):
        scene = world.scene("06")
        (victim,) = [a["ID"] for a in scene[0]["response"]["body"] if a["ClientStatus"] == "pending"]
        ours = world.player.ours(victim)
        before = world.stand_in.get(f"/v1/allocation/{ours}")["AllocatedResources"]
        (task,) = [task for task in world.stand_in.get("/test/tasks") if task["alloc"] == ours]
        index = world.stand_in.call("GET", "/v1/job/redis-cache/allocations").headers["X-Nomad-Index"]
        os.kill(task["pid"], signal.SIGKILL)
        woken = world.stand_in.call("GET", f"/v1/job/redis-cache/allocations?index={index}&wait=6s")
        assert woken.elapsed.total_seconds() < 1  # recorded: 77 to 263 ms
        for exchange in scene:  # the recorder kept the victim only
            exchange["response"]["body"] = [a for a in exchange["response"]["body"] if a["ID"] == victim]
            exchange["request"]["path"] = "/v1/job/redis-cache/allocations?filter=" + f'ID == "{ours}"'
            world.check(exchange, patience=5, partial=True)
        assert world.stand_in.get(f"/v1/allocation/{ours}")["AllocatedResources"] == before  # the same ports

    each(worlds, play)


def test_07_allocation_stop_signal_restart(worlds):
    def play(world):
        for exchange in without_repeats(world.scene("07")):
            path, read = exchange["request"]["path"], exchange["request"]["method"] == "GET"
            world.check(exchange, patience=10 if read else 0, partial=read, of_many=read)
            if path.endswith("/restart"):
                ours = world.player.ours(path.split("/")[4])
                wait_until(lambda: restarted(world, ours), "the restarted task runs again", 10)

    each(worlds, play)


def restarted(world, alloc_id):
    alloc = world.stand_in.get(f"/v1/allocation/{alloc_id}")
    events = [event["Type"] for event in alloc["TaskStates"]["redis"]["Events"]]
    return alloc["ClientStatus"] == "running" and "Restart Signaled" in events and events[-1] == "Started"


def test_08_rolling_update_held_by_hand(worlds):
    """Each verdict lets the next allocation be replaced."""

    def play(world):
        wait_until(lambda: all((a["DeploymentStatus"] or {}).get("Healthy") for a in world.allocs(DesiredStatus="run")),
                   "the replacement of the scene before is healthy", 10)
        for exchange in without_repeats(world.scene("08")):
            read = exchange["request"]["method"] == "GET"
            if exchange["request"].get("body", {}).get("HealthyAllocationIDs"):
                wait_until(lambda: len(world.allocs(ClientStatus="running", DesiredStatus="run")) == 2, "both run", 10)
            world.check(exchange, patience=10 if read else 0, partial=read, of_many=read)

    each(worlds, play)


def test_11_variables(worlds):
    def play(world):
        for exchange in world.scene("11"):
            world.check(exchange)

    each(worlds, play)


def test_12_errors(worlds):
    def play(world):
        ended = world.stand_in.get("/v1/job/redis-cache/summary")["Summary"]["redis"]["Complete"]
        for exchange in world.scene("12"):
            if exchange["request"]["path"] in ("/v1/jobs?consistent", "/v1/jobs?stale"):
                for job in exchange["response"]["body"]:  # how many have ended by now is not of this scene
                    job["JobSummary"]["Summary"]["redis"]["Complete"] = ended
            world.check(exchange)

    each(worlds, play)


def test_14_acl(consuls, redis_server, tmp_path):
    tokens = {"ROOT": "management", "LESS": "operator"}
    sent = {None: None, "unknown token": "NOPE", "policy of the manifest, least privilege": "LESS"}

    def play(world):
        for exchange in world.scene("14"):
            token, path = sent[exchange.get("note")], exchange["request"]["path"]
            headers = {"X-Nomad-Token": token} if token else None
            if path == "/v1/nodes" and token:  # recorded without clients
                assert world.stand_in.call("GET", path, headers=headers).status_code == 200
                continue
            if path == "/v1/acl/token/self":
                exchange["response"]["body"]["Name"] = "operator"  # a name that whoever made the token chose
            world.check(exchange, headers=headers)

    worlds = [World(v, consuls[v][:1], tmp_path / v, redis_server, tokens=tokens) for v in VERSIONS]
    try:
        each(worlds, play)
    finally:
        for world in worlds:
            world.stand_in.stop()


@pytest.fixture
def two_hosts(consuls, redis_server, tmp_path):
    """The job of the recordings with both of its allocations on n1, and n2 empty."""
    worlds = [World(v, consuls[v], tmp_path / v, redis_server) for v in VERSIONS]
    each(worlds, begin_on_first_host)
    yield worlds
    for world in worlds:
        world.stand_in.stop()


def begin_on_first_host(world):
    nodes = {node["Name"]: node["ID"] for node in world.stand_in.get("/v1/nodes")}
    world.stand_in.call("POST", f"/v1/node/{nodes['n2']}/eligibility", {"Eligibility": "ineligible"})
    text = world.scene("02")[4]["request"]["body"]["JobHCL"].replace("/usr/bin/redis-server", world.redis_server)
    world.stand_in.run_job(text.replace("127.0.0.1", "${NOMAD_IP_redis}").replace('interval = "2s"', 'interval = "1s"'))
    wait_until(lambda: len(world.allocs(ClientStatus="running")) == 2 and not world.deploying(), "both run on n1", 15)
    world.stand_in.call("POST", f"/v1/node/{nodes['n2']}/eligibility", {"Eligibility": "eligible"})
    world.player.learn(world.scene("01")[2]["response"]["body"][0]["ID"], nodes["n1"])


def test_09_drain_held_by_max_parallel_0(two_hosts):
    def play(world):
        for exchange in world.scene("09"):
            path, read = exchange["request"]["path"], exchange["request"]["method"] == "GET"
            world.check(exchange, patience=10 if read else 0, partial=read, of_many="/job/" in path)

    each(two_hosts, play)


def test_10_client_agent_killed(two_hosts):
    """The recording begins with everything on n2, whose agent has just been killed; ours is on n1."""

    def play(world):
        text = json.dumps(world.scene("10")).replace('"n1"', '"n0"').replace('"n2"', '"n1"').replace('"n0"', '"n2"')
        scene = json.loads(text)
        ours = {node["Name"]: node["ID"] for node in world.stand_in.get("/v1/nodes")}
        for node in scene[0]["response"]["body"]:
            world.player.learn(node["ID"], ours[node["Name"]])
        world.hold("n2")
        world.stand_in.call("POST", "/test/host/n1/disconnect", {"heartbeat_seconds": 1.5})
        back = next(i for i, exchange in enumerate(scene) if "response" not in exchange)
        for exchange in scene[:back]:
            world.check(exchange, patience=10, partial=True, of_many="/job/" in exchange["request"]["path"])
            if any(record.get("ClientStatus") == "pending" for record in exchange["response"]["body"]):
                world.release("n2")
        zombies = [task["alloc"] for task in world.stand_in.get("/test/tasks") if task["host"] == "n1"]
        assert len(zombies) == 2  # lost, and alive
        world.release("n1")
        assert statuses_until_complete(world, zombies) == {zombie: ["lost", "running", "complete"] for zombie in zombies}

    each(two_hosts, play)


def statuses_until_complete(world, alloc_ids):
    """The client statuses of allocations, one after the other, as a blocking reader sees them."""
    seen, index = {alloc_id: ["lost"] for alloc_id in alloc_ids}, 1
    while any(statuses[-1] != "complete" for statuses in seen.values()):
        answer = world.stand_in.call("GET", f"/v1/job/redis-cache/allocations?index={index}&wait=5s")
        assert int(answer.headers["X-Nomad-Index"]) > index, seen
        index = int(answer.headers["X-Nomad-Index"])
        for alloc in answer.json():
            if alloc["ID"] in seen and alloc["ClientStatus"] != seen[alloc["ID"]][-1]:
                seen[alloc["ID"]].append(alloc["ClientStatus"])
    return seen
