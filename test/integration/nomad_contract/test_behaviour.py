"""What the recordings do not show but reference runs of Nomad did, and what other tests rely on."""

import os
import re
import signal
import socket
import time

import pytest
import requests
from conftest import VERSIONS, wait_until

JOB = "redis-cache"


@pytest.fixture
def redis_job(manifests, redis_server):
    """The shipped job, and variables that make it quick."""
    variables = f'redis_server = "{redis_server}"\ncount = 3\nshutdown_delay = "0s"\n'
    return (manifests / "redis-cluster.nomad.hcl").read_text(), variables


def ports_of(stand_in, alloc_id):
    ports = stand_in.get(f"/v1/allocation/{alloc_id}")["AllocatedResources"]["Shared"]["Ports"]
    return {port["Label"]: (port["HostIP"], port["Value"]) for port in ports}


def ask(address, command):
    with socket.create_connection(address, timeout=5) as connection:
        connection.sendall(command.encode() + b"\r\n")
        return connection.recv(65536).decode()


def run(stand_in, job, count=3):
    stand_in.run_job(*job)
    return wait_until(
        lambda: len(found := stand_in.allocs(JOB, ClientStatus="running")) == count and found, f"{count} instances run"
    )


def gone(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as file:
            return file.read().rsplit(")", 1)[1].split()[0] == "Z"
    except OSError:
        return True


def test_the_shipped_job_makes_empty_cluster_nodes_on_all_hosts(stand_in, consuls, redis_job):
    allocs = run(stand_in, redis_job)
    assert {alloc["NodeName"] for alloc in allocs} == {"n1", "n2"}
    for alloc in allocs:
        ports = ports_of(stand_in, alloc["ID"])
        answer = wait_until(lambda: ask(ports["redis"], "CLUSTER NODES"), "the server answers")
        ip, port = ports["redis"]
        assert re.search(rf" {ip}:{port}@{ports['bus'][1]} myself,master ", answer)
        assert ":0\r\n" == ask(ports["redis"], "DBSIZE")
    service = wait_until(
        lambda: len(found := consuls[VERSIONS[0]][0].get(f"/v1/health/service/{JOB}?passing")) == 3 and found,
        "all instances pass in Consul",
    )
    for entry in service:
        meta = entry["Service"]["Meta"]
        ports = ports_of(stand_in, meta["alloc_id"])
        assert (entry["Service"]["Address"], entry["Service"]["Port"]) == ports["redis"]
        assert meta["bus_port"] == str(ports["bus"][1])
        assert entry["Node"]["Node"] == {"n1": "c1", "n2": "c2"}[meta["host"]]


def test_a_dead_instance_is_replaced_by_an_unknown_one_after_five_seconds(stand_in, redis_job):
    victim = run(stand_in, redis_job)[0]
    (task,) = [task for task in stand_in.get("/test/tasks") if task["alloc"] == victim["ID"]]
    old_ports = ports_of(stand_in, victim["ID"])
    os.kill(task["pid"], signal.SIGKILL)
    wait_until(lambda: stand_in.allocs(JOB, ID=victim["ID"], ClientStatus="failed"), "the death is reported", 3)
    (dead,) = stand_in.allocs(JOB, ID=victim["ID"])
    assert dead["DesiredStatus"] == "run" and not dead["NextAllocation"]
    events = dead["TaskStates"]["redis"]["Events"]
    assert [event["Type"] for event in events[-2:]] == ["Terminated", "Not Restarting"]
    replaced = wait_until(lambda: stand_in.allocs(JOB, ID=victim["ID"], DesiredStatus="stop"), "it is replaced", 8)[0]
    new = stand_in.get(f"/v1/allocation/{replaced['NextAllocation']}")
    assert new["PreviousAllocation"] == victim["ID"] and new["Name"] == victim["Name"]
    assert ports_of(stand_in, new["ID"]) != old_ports
    waited = (new["CreateTime"] - events[-2]["Time"]) / 1e9
    assert 5.0 <= waited < 6.0


def test_one_that_was_healthy_and_fails_before_its_deployment_is_over_is_overlooked(stand_in, redis_job):
    """Until something else happens to the job (tried with Nomad 2.0)."""
    text, variables = redis_job
    victim, *others = [alloc["ID"] for alloc in run(stand_in, (text, variables + 'health_check = "manual"\n'))]
    (deployment,) = stand_in.get(f"/v1/job/{JOB}/deployments")

    def set_healthy(allocs):
        body = {"DeploymentID": deployment["ID"], "HealthyAllocationIDs": allocs}
        assert stand_in.call("POST", f"/v1/deployment/allocation-health/{deployment['ID']}", body).status_code == 200

    set_healthy([victim])
    (task,) = [task for task in stand_in.get("/test/tasks") if task["alloc"] == victim]
    os.kill(task["pid"], signal.SIGKILL)
    wait_until(lambda: stand_in.allocs(JOB, ID=victim, ClientStatus="failed"), "the death is reported", 3)
    died = time.monotonic()
    set_healthy(others)
    wait_until(lambda: stand_in.get(f"/v1/deployment/{deployment['ID']}")["Status"] == "successful", "it is over", 5)
    wait_until(lambda: time.monotonic() > died + 6, "the time of a replacement is over", 7)
    assert len(stand_in.allocs(JOB)) == 3
    assert stand_in.call("POST", f"/v1/job/{JOB}/scale", {"Count": 4, "Target": {"Group": "redis"}}).status_code == 200
    wait_until(lambda: len(stand_in.allocs(JOB, ClientStatus="running")) == 4, "a replacement, and one more", 3)
    assert stand_in.allocs(JOB, ID=victim)[0]["NextAllocation"]


def test_a_replacement_waits_for_the_one_before_it(stand_in, redis_job):
    """Stop of one allocation: out of Consul, then the shutdown delay, then the signal; the next one is pending till then."""
    text, variables = redis_job
    victim = run(stand_in, (text, variables.replace('"0s"', '"1s"')))[0]
    stand_in.call("PUT", f"/v1/allocation/{victim['ID']}/stop")
    (stopping,) = wait_until(lambda: stand_in.allocs(JOB, ID=victim["ID"], DesiredStatus="stop"), "it is to stop", 2)
    assert stopping["ClientStatus"] == "running"
    (new,) = stand_in.allocs(JOB, ID=stopping["NextAllocation"])
    assert new["ClientStatus"] == "pending"
    assert ask(ports_of(stand_in, victim["ID"])["redis"], "PING") == "+PONG\r\n"
    wait_until(lambda: stand_in.allocs(JOB, ID=new["ID"], ClientStatus="running"), "the replacement runs", 8)
    assert stand_in.allocs(JOB, ID=victim["ID"])[0]["ClientStatus"] == "complete"


def test_the_operators_job_runs_once_on_every_host(stand_in, manifests, tmp_path):
    program = tmp_path / "operator"
    program.write_text('#!/bin/sh\necho "$@" "$CONSUL_HTTP_ADDR" "$NOMAD_ADDR"\nexec sleep 600\n')
    program.chmod(0o755)
    variables = f'operator_binary = "{program}"\nconsul_address = "$${{attr.unique.network.ip-address}}:8500"\n'
    stand_in.run_job((manifests / "operator.nomad.hcl").read_text(), variables)
    allocs = wait_until(
        lambda: len(found := stand_in.allocs("redis-operator", ClientStatus="running")) == 2 and found, "two run"
    )
    assert {alloc["Name"] for alloc in allocs} == {"redis-operator.operator[0]"}
    for alloc in allocs:
        ip, port = ports_of(stand_in, alloc["ID"])["http"]
        (log,) = tmp_path.glob(f"{alloc['NodeName']}/alloc/{alloc['ID']}/alloc/logs/operator.stdout.0")
        line = wait_until(lambda: log.read_text().strip(), "the operator has said something")
        expected = f"run --listen {ip}:{port} --host-name {alloc['NodeName']} --kv-prefix redis-operator/"
        assert line == f"{expected} --log-level info --log-format json {ip}:8500 http://127.0.0.1:4646"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_no_process_outlives_the_stand_in(stand_in, consuls, redis_job, number):
    run(stand_in, redis_job)
    pids = [task["pid"] for task in stand_in.get("/test/tasks")]
    assert len(pids) == 3
    code = stand_in.stop(number)
    wait_until(lambda: all(gone(pid) for pid in pids), "all processes have ended", 5)
    if number == signal.SIGTERM:
        assert code == 0
        assert consuls[VERSIONS[0]][0].get(f"/v1/catalog/service/{JOB}") == []
    else:  # nobody was left to take them out of Consul
        assert len(consuls[VERSIONS[0]][0].get(f"/v1/catalog/service/{JOB}")) == 3
        for agent in consuls[VERSIONS[0]]:
            for service in agent.get("/v1/agent/services"):
                requests.put(f"http://{agent.http}/v1/agent/service/deregister/{service}", timeout=5)


def test_faults_are_what_they_say(stand_in):
    assert stand_in.call("POST", "/test/fail", {"path": "^/v1/nodes", "count": 1}).status_code == 200
    answer = stand_in.call("GET", "/v1/nodes")
    assert (answer.status_code, answer.text) == (500, "No cluster leader")
    assert stand_in.call("GET", "/v1/nodes").status_code == 200
    stand_in.call("POST", "/test/drop", {"path": "^/v1/jobs", "count": 1})
    with pytest.raises(OSError):
        stand_in.call("GET", "/v1/jobs")
    assert stand_in.call("GET", "/v1/jobs").status_code == 200


def test_what_cannot_be_played_is_refused(stand_in, redis_job):
    text = redis_job[0].replace('driver       = "raw_exec"', 'driver       = "docker"')
    job = stand_in.call("POST", "/v1/jobs/parse", {"JobHCL": text, "Variables": redis_job[1], "Canonicalize": True})
    answer = stand_in.call("POST", "/v1/jobs", {"Job": job.json()})
    assert answer.status_code == 501
    assert stand_in.call("GET", "/v1/jobs").json() == []


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (("mode     = \"fail\"", "mode     = \"delay\""), "with 0 attempts is ambiguous"),
        (('delay          = "5s"', 'delay          = "4s"'), "Delay cannot be less than 5s"),
    ],
)
def test_refusals_of_nomad_that_the_shipped_job_has_to_heed(stand_in, redis_job, change, text):
    spec = redis_job[0].replace(*change)
    job = stand_in.call("POST", "/v1/jobs/parse", {"JobHCL": spec, "Variables": redis_job[1], "Canonicalize": True})
    answer = stand_in.call("POST", "/v1/jobs", {"Job": job.json()})
    assert answer.status_code == 500 and text in answer.text
