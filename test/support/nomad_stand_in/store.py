"""What the servers know: jobs, allocations, nodes, deployments, evaluations, and the index of every table."""

import asyncio
import time
import uuid
from copy import deepcopy
from dataclasses import dataclass, field

RUN, STOP = "run", "stop"
PENDING, RUNNING, COMPLETE, FAILED, LOST = "pending", "running", "complete", "failed", "lost"
CLIENT_TERMINAL = (COMPLETE, FAILED, LOST)


def new_id():
    return str(uuid.uuid4())


def now_ns():
    return time.time_ns()


@dataclass
class Alloc:
    """One allocation. `task_states` and `client_status` are what the client last reported, not what is true now."""

    id: str
    name: str
    job: dict
    group: dict
    node_id: str
    node_name: str
    eval_id: str
    ports: list
    desired_status: str = RUN
    desired_description: str = ""
    client_status: str = PENDING
    client_description: str = ""
    task_states: dict | None = None
    deployment_id: str = ""
    deployment_status: dict | None = None
    previous: str = ""
    next: str = ""
    followup_eval_id: str = ""
    transition: dict = field(default_factory=dict)
    reschedules: list = field(default_factory=list)
    failed_at: int = 0
    create_index: int = 0
    modify_index: int = 0
    alloc_modify_index: int = 0
    create_time: int = field(default_factory=now_ns)
    modify_time: int = field(default_factory=now_ns)

    @property
    def job_id(self):
        return self.job["ID"]

    @property
    def number(self):
        return int(self.name[self.name.rindex("[") + 1 : -1])

    @property
    def client_terminal(self):
        return self.client_status in CLIENT_TERMINAL

    @property
    def live(self):
        """Wanted, and not known to have ended."""
        return self.desired_status == RUN and not self.client_terminal


class Store:
    """The tables. Every change is a commit: one index more, and everyone who waits looks again."""

    def __init__(self):
        self.index = 7  # what an election and its bookkeeping have taken
        self.tables = {}
        self.jobs = {}
        self.allocs = {}
        self.nodes = {}
        self.deployments = {}
        self.evals = {}
        self.variables = {}
        self.scaling_events = {}
        self._waiting = set()
        self._listeners = []

    def commit(self, **changed):
        """`commit(allocs=[...], jobs=[...])`: stamps the records, raises the index of each named table, wakes waiters."""
        self.index += 1
        for table, records in changed.items():
            self.tables[table] = self.index
            for record in records:
                self._stamp(record)
        for listener in self._listeners:
            listener(self.index, changed)
        waiting, self._waiting = self._waiting, set()
        for future in waiting:
            if not future.done():
                future.set_result(None)
        return self.index

    def _stamp(self, record):
        if isinstance(record, Alloc):
            record.create_index = record.create_index or self.index
            record.alloc_modify_index = record.alloc_modify_index or self.index
            record.modify_index = self.index
            record.modify_time = now_ns()
        elif isinstance(record, dict):
            record["CreateIndex"] = record.get("CreateIndex") or self.index
            record["ModifyIndex"] = self.index
            if "ModifyTime" in record:
                record["ModifyTime"] = now_ns()

    def listen(self, listener):
        """Calls listener(index, {table: records}) after each commit."""
        self._listeners.append(listener)

    async def changed(self, seconds):
        """Returns after the next commit or after `seconds`, whichever comes first."""
        future = asyncio.get_running_loop().create_future()
        self._waiting.add(future)
        try:
            await asyncio.wait_for(future, seconds)
        except asyncio.TimeoutError:
            pass
        finally:
            self._waiting.discard(future)

    def wake_all(self):
        """A wake-up without a change, as blocking queries may see it."""
        waiting, self._waiting = self._waiting, set()
        for future in waiting:
            if not future.done():
                future.set_result(None)

    def table_index(self, table):
        return self.tables.get(table, 0)

    def allocs_of(self, job_id, group=None):
        return [
            alloc
            for alloc in self.allocs.values()
            if alloc.job_id == job_id and (group is None or alloc.group["Name"] == group)
        ]

    def latest_deployment(self, job_id):
        found = [d for d in self.deployments.values() if d["JobID"] == job_id]
        return max(found, key=lambda d: (d["JobCreateIndex"], d["JobVersion"], d["CreateIndex"]), default=None)

    def new_eval(self, job, trigger, status="complete"):
        record = {
            "CreateIndex": 0,
            "CreateTime": now_ns(),
            "ID": new_id(),
            "JobID": job["ID"],
            "JobModifyIndex": job["JobModifyIndex"],
            "ModifyIndex": 0,
            "ModifyTime": now_ns(),
            "Namespace": "default",
            "Priority": job["Priority"],
            "Status": status,
            "TriggeredBy": trigger,
            "Type": job["Type"],
        }
        self.evals[record["ID"]] = record
        return record

    def snapshot_of(self, job):
        return deepcopy(job)
