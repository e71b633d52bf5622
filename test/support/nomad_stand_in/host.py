"""One host: a Nomad client with its own address, its own Consul agent and its own ports."""

import asyncio
import random

import aiohttp
from claimed_port import claim

from . import consul, task_events
from .runner import AllocRunner
from .store import CLIENT_TERMINAL, RUN, new_id, now_ns

SYNC_SECONDS = 0.2  # how often a Nomad client reports; kills show up in the API 77 to 263 ms later because of it


class NoPort(Exception):
    pass


class Host:
    def __init__(self, store, name, consul_address, data_dir, options):
        self._store = store
        self._options = options
        self._data_dir = data_dir
        self.name = name
        self.ip = consul_address.rsplit(":", 1)[0]
        self.agent = consul.ConsulAgent(consul_address)
        self.runners = {}
        self._dirty = set()
        self._sync = None
        self._health = {}
        self.connected = True  # whether servers and this client can talk to each other
        self.node = None

    async def open(self):
        """Joins: asks the Consul agent who it is, registers the node."""
        await self.agent.open()
        about = await self._wait_for_agent()
        self.node = _new_node(self.name, self.ip, about, self._options)
        self._store.nodes[self.node["ID"]] = self.node
        for status in ("initializing", "ready"):
            self.node["Status"] = status
            self._store.commit(nodes=[self.node])
        self._sync = asyncio.ensure_future(self._report())

    async def _wait_for_agent(self):
        """The agent may have been started a moment ago: 30 s, then the reason."""
        for _ in range(150):
            try:
                return await self.agent.describe()
            except (aiohttp.ClientError, asyncio.TimeoutError) as error:
                reason = error
                await asyncio.sleep(0.2)
        raise SystemExit(f"host {self.name}: no Consul agent at {self.agent.address}: {reason}")

    async def close(self):
        """Stops everything that runs here, politely first. The servers hear nothing of it, lest they replace it."""
        self.connected = False
        if self._sync:
            self._sync.cancel()
        for runner in self.runners.values():
            runner.alloc.group["ShutdownDelay"] = 0
            runner.stop()
        ends = [runner.finished.wait() for runner in self.runners.values()]
        if ends:
            try:
                await asyncio.wait_for(asyncio.gather(*ends), 3)
            except asyncio.TimeoutError:
                pass
        for runner in self.runners.values():
            runner.kill()
        await self.agent.close()

    # What the servers ask for.

    def take_ports(self, group):
        """Ports of this address for every label of the group; NoPort when there are none."""
        taken = {
            port["Value"]
            for alloc in self._store.allocs.values()
            if alloc.node_id == self.node["ID"] and not alloc.client_terminal
            for port in alloc.ports
        }
        ports = []
        for network in group["Networks"] or []:
            for wanted in network["ReservedPorts"] or []:
                if wanted["Value"] in taken:
                    raise NoPort(f'reserved port collision {wanted["Label"]}={wanted["Value"]}')
                ports.append(self._port(wanted, wanted["Value"]))
            for wanted in network["DynamicPorts"] or []:
                value = self._free_port(taken)
                taken.add(value)
                ports.append(self._port(wanted, value))
        return ports

    def _port(self, wanted, value):
        return {"Label": wanted["Label"], "Value": value, "To": wanted["To"], "HostIP": self.ip}

    def _free_port(self, taken):
        low, high = self._options.port_range
        for _ in range(2000):
            port = random.randint(low, high)
            if port not in taken and claim(self.ip, port):
                return port
        raise NoPort("dynamic port selection failed")

    def pull(self):
        """Does what the servers want for this node: starts new allocations, stops those that are not wanted."""
        if not self.connected:
            return
        for alloc in self._store.allocs.values():
            if alloc.node_id != self.node["ID"]:
                continue
            runner = self.runners.get(alloc.id)
            if alloc.desired_status == RUN and runner is None and not alloc.client_terminal:
                self._start(alloc)
            elif alloc.desired_status != RUN and runner is not None:
                runner.stop()
            elif alloc.desired_status != RUN and alloc.client_status == "pending" and runner is None:
                self._dirty.add(alloc.id)

    def _start(self, alloc):
        directory = f"{self._data_dir}/{self.name}/alloc/{alloc.id}"
        changed = lambda: self._dirty.add(alloc.id)  # noqa: E731 - a name for it would only hide it
        runner = AllocRunner(alloc, self.node, self.agent, directory, self._options.set_up_seconds, changed)
        self.runners[alloc.id] = runner
        runner.start(self._previous_ended(alloc))

    async def _previous_ended(self, alloc):
        previous = self._store.allocs.get(alloc.previous)
        while previous and not previous.client_terminal and previous.client_status != "unknown":
            await self._store.changed(30)

    # What the servers are told.

    async def _report(self):
        while True:
            await asyncio.sleep(SYNC_SECONDS)
            if self.connected:
                await self._watch_health()
                self._push()

    def _push(self):
        changed = []
        dirty, self._dirty = self._dirty, set()
        for alloc_id in dirty:
            alloc, runner = self._store.allocs[alloc_id], self.runners.get(alloc_id)
            if runner is None:
                alloc.client_status = "complete"
                changed.append(alloc)
                continue
            status, description = runner.status
            alloc.task_states = runner.task_states()
            if status == "failed" and alloc.client_status != "failed":
                alloc.failed_at = now_ns()
            alloc.client_status, alloc.client_description = status, description
            verdict = self._health.pop(alloc_id, None)
            if verdict is not None:
                old = alloc.deployment_status or {"Canary": False, "ModifyIndex": 0}
                alloc.deployment_status = {**old, "Healthy": verdict, "Timestamp": task_events.timestamp()}
            changed.append(alloc)
        if changed:
            index = self._store.commit(allocs=changed)
            for alloc in changed:
                if alloc.deployment_status and not alloc.deployment_status["ModifyIndex"]:
                    alloc.deployment_status["ModifyIndex"] = index

    async def _watch_health(self):
        """Healthy: all tasks run and all checks pass for min_healthy_time. Manual health is for others to say."""
        waiting = [
            runner
            for runner in self.runners.values()
            if runner.alloc.desired_status == RUN
            and runner.alloc.client_status not in CLIENT_TERMINAL
            and (runner.alloc.deployment_status or {}).get("Healthy") is None
            and _health_rules(runner.alloc)["HealthCheck"] != "manual"
        ]
        if not waiting:
            return
        checks = await self.agent.checks()
        for runner in waiting:
            self._judge(runner, checks or {})

    def _judge(self, runner, checks):
        now = asyncio.get_running_loop().time()
        rules = _health_rules(runner.alloc)
        since = getattr(runner, "healthy_since", None)
        first = runner.__dict__.setdefault("watched_since", now)
        good = runner.status[0] == "running"
        if good and rules["HealthCheck"] == "checks":
            statuses = [checks.get(service["ID"]) for service in runner.services]
            good = all(found and all(status == "passing" for status in found) for found in statuses)
        runner.healthy_since = (since or now) if good else None
        if good and now - runner.healthy_since >= rules["MinHealthyTime"] / 10**9:
            self._health[runner.alloc.id] = True
        elif now - first > rules["HealthyDeadline"] / 10**9:
            self._health[runner.alloc.id] = False
        else:
            return
        runner.__dict__.pop("watched_since")
        runner.healthy_since = None
        self._dirty.add(runner.alloc.id)

    # Faults.

    def disconnect(self):
        """The client's agent is dead or cut off; its tasks live on, their Consul entries stay."""
        self.connected = False
        for runner in self.runners.values():
            limit = (runner.alloc.group["Disconnect"] or {}).get("StopOnClientAfter")
            if limit:
                asyncio.get_running_loop().call_later(limit / 10**9, self._stop_alone, runner)

    def _stop_alone(self, runner):
        if not self.connected:
            runner.stop()

    def connect(self):
        """The agent is back: it tells what runs here, and learns what should."""
        self.connected = True
        self._dirty.update(self.runners)
        self.pull()

    def kill_everything(self):
        for runner in self.runners.values():
            runner.kill()


def _health_rules(alloc):
    """A deployment is judged by `update`, what replaces an allocation outside of one by `migrate`."""
    rules = alloc.group["Update"] if alloc.deployment_id else alloc.group["Migrate"]
    return rules or {"HealthCheck": "manual"}


def _new_node(name, ip, about, options):
    low, high = options.port_range
    return {
        "Attributes": {
            "consul.connect": "true",
            "consul.datacenter": about["Datacenter"],
            "consul.ft.namespaces": "false",
            "consul.server": str(about["Server"]).lower(),
            "consul.sku": "oss",
            "consul.version": about["Version"],
            "cpu.numcores": "2",
            "driver.raw_exec": "1",
            "kernel.name": "linux",
            "nomad.service_discovery": "true",
            "nomad.version": options.version,
            "nomad.advertise.address": options.http_address,
            "unique.consul.name": about["NodeName"],
            "unique.hostname": name,
            "unique.network.ip-address": ip,
        },
        "CSIControllerPlugins": {},
        "CSINodePlugins": {},
        "CgroupParent": "nomad.slice",
        "ComputedClass": "v1:1",
        "CreateIndex": 0,
        "Datacenter": options.datacenter,
        "Drain": False,
        "DrainStrategy": None,
        "Drivers": {
            "raw_exec": {
                "Attributes": {"driver.raw_exec": "true"},
                "Detected": True,
                "HealthDescription": "Healthy",
                "Healthy": True,
                "UpdateTime": task_events.timestamp(),
            }
        },
        "Events": [
            {
                "CreateIndex": 0,
                "Details": None,
                "Message": "Node registered",
                "Subsystem": "Cluster",
                "Timestamp": task_events.timestamp(now_ns() // 10**9 * 10**9),
            }
        ],
        "GCVolumesOnNodeGC": False,
        "HTTPAddr": options.http_address,
        "HostNetworks": None,
        "HostVolumes": {},
        "ID": new_id(),
        "IdentitySigningKeyID": options.signing_key,
        "LastAllocUpdateIndex": 0,
        "LastDrain": None,
        "LastMissedHeartbeatIndex": 0,
        "Links": {"consul": f"{about['Datacenter']}.{about['NodeName']}"},
        "Meta": {"connect.log_level": "info"},
        "ModifyIndex": 0,
        "Name": name,
        "NodeClass": "",
        "NodeMaxAllocs": 0,
        "NodePool": "default",
        "NodeResources": {
            "Cpu": {"CpuShares": 4000, "ReservableCpuCores": [0, 1], "TotalCpuCores": 2},
            "Devices": None,
            "Disk": {"DiskMB": 100000},
            "MaxDynamicPort": high,
            "Memory": {"MemoryMB": 16000},
            "MinDynamicPort": low,
            "Networks": [{"CIDR": f"{ip}/32", "Device": "lo", "IP": ip, "MBits": 1000, "Mode": "host"}],
            "NodeNetworks": [
                {
                    "Addresses": [
                        {"Address": ip, "Alias": "default", "Family": "ipv4", "Gateway": "", "ReservedPorts": ""}
                    ],
                    "Device": "lo",
                    "MacAddress": "",
                    "Mode": "host",
                    "Speed": 1000,
                }
            ],
            "Processors": {"Topology": None},
        },
        "ReservedResources": {
            "Cpu": {"CpuShares": 0, "ReservedCpuCores": None},
            "Disk": {"DiskMB": 0},
            "Memory": {"MemoryMB": 0},
            "Networks": {"ReservedHostPorts": ""},
        },
        "SchedulingEligibility": "eligible",
        "SecretID": "",
        "Status": "ready",
        "StatusDescription": "",
        "StatusUpdatedAt": now_ns() // 10**9,
        "TLSEnabled": False,
    }
