"""Draining hosts: how many allocations may go at a time, the deadline, and when it is over."""

import asyncio

from . import task_events
from .store import RUN, RUNNING, now_ns


class Drains:
    def __init__(self, store, scheduler):
        self._store = store
        self._scheduler = scheduler
        self._deadlines = {}
        self._due = False
        store.listen(self._on_commit)

    def _on_commit(self, _, changed):
        draining = any(node["Drain"] for node in self._store.nodes.values())
        if draining and not self._due and ("allocs" in changed or "nodes" in changed):
            self._due = True
            asyncio.get_running_loop().call_soon(self._look)

    def _look(self):
        self._due = False
        for node in self._store.nodes.values():
            if node["Drain"]:
                self._advance(node)

    def _advance(self, node):
        strategy = node["DrainStrategy"]
        here = [a for a in self._store.allocs.values() if a.node_id == node["ID"] and not a.client_terminal]
        services = [alloc for alloc in here if alloc.job["Type"] == "service"]
        others = [] if strategy["IgnoreSystemJobs"] else [a for a in here if a.job["Type"] == "system"]
        if not services and not others:
            self._complete(node)
            return
        if self._is_over(node, strategy):
            chosen = services + others
        else:
            chosen = self._allowed(services) if services else others  # system jobs go last
        self._migrate([alloc for alloc in chosen if not alloc.transition.get("Migrate")])

    def _allowed(self, allocs):
        """Nomad's arithmetic: as many as are running with known health beyond count - migrate.max_parallel."""
        chosen, groups = [], {(alloc.job_id, alloc.group["Name"]): alloc for alloc in allocs}
        for (job_id, name), one in groups.items():
            every = self._store.allocs_of(job_id, name)
            known = [
                alloc
                for alloc in every
                if alloc.desired_status == RUN
                and alloc.client_status == RUNNING
                and (alloc.deployment_status or {}).get("Healthy") is not None
                and not alloc.transition.get("Migrate")
            ]
            job = self._store.jobs.get(job_id)
            count = next((g["Count"] for g in job["TaskGroups"] if g["Name"] == name), 0) if job else 0
            number = len(known) - (count - (one.group["Migrate"] or {"MaxParallel": 1})["MaxParallel"])
            mine = [alloc for alloc in allocs if alloc in known and alloc.job_id == job_id]
            chosen += mine[: max(number, 0)]
        return chosen

    def _is_over(self, node, strategy):
        deadline = strategy["Deadline"]
        if deadline < 0:
            return True
        if deadline == 0:
            return False
        started = self._deadlines.get(node["ID"])
        if not started or started[0] != strategy["StartedAt"]:
            self._deadlines[node["ID"]] = (strategy["StartedAt"], now_ns() + deadline)
            asyncio.get_running_loop().call_later(deadline / 10**9 + 0.01, self._look)
            return False
        return now_ns() >= started[1]

    def _migrate(self, allocs):
        for alloc in allocs:
            alloc.transition["Migrate"] = True
        if allocs:
            self._store.commit(allocs=allocs)
        for alloc in allocs:
            self._scheduler.evaluate(alloc.job_id)

    def _complete(self, node):
        node["Drain"], node["DrainStrategy"] = False, None
        if node["LastDrain"]:
            second = task_events.timestamp(now_ns() // 10**9 * 10**9)
            node["LastDrain"].update(Status="complete", UpdatedAt=second)
        event = {
            "CreateIndex": self._store.index + 1,
            "Details": None,
            "Message": "Node drain complete",
            "Subsystem": "Drain",
            "Timestamp": task_events.timestamp(),
        }
        node["Events"] = [*node["Events"], event][-10:]
        self._store.commit(nodes=[node])
