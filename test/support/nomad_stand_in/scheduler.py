"""What the servers decide: which allocations there should be, where, and which have to go."""

import asyncio
import json
from copy import deepcopy

from . import constraints
from .host import NoPort
from .store import CLIENT_TERMINAL, COMPLETE, FAILED, LOST, RUN, STOP, Alloc, new_id, now_ns

NOT_NEEDED = "alloc not needed due to job update"
MIGRATING = "alloc is being migrated"
IS_LOST = "alloc is lost since its node is down"
UPDATING = "alloc is being updated due to job update"
# Between a registration and its plan. Recorded: 2.0.5 took another scaling 11 ms after one, because there was no deployment
# yet that could have blocked it; 1.6.5 refused after 1 ms.
PLAN_SECONDS, OLD_PLAN_SECONDS = 0.015, 0.0
ACKNOWLEDGE_SECONDS = 0.3  # until an evaluation is called complete


class Scheduler:
    def __init__(self, store, hosts, deployments, version):
        self._store = store
        self._hosts = hosts
        self._plan_seconds = PLAN_SECONDS if version >= (2, 0) else OLD_PLAN_SECONDS
        self._deployments = deployments
        self._planned = set()
        self._timers = {}

    def evaluate(self, job_id):
        """Looks at the job soon; several wishes are one look."""
        if job_id not in self._planned:
            self._planned.add(job_id)
            asyncio.get_running_loop().call_later(self._plan_seconds, self._run, job_id)

    def evaluate_all(self):
        for job_id in {*self._store.jobs, *(alloc.job_id for alloc in self._store.allocs.values() if alloc.live)}:
            self.evaluate(job_id)

    def _later(self, job_id, nanoseconds):
        """Looks again when something falls due; the earliest wish counts."""
        loop = asyncio.get_running_loop()
        due = loop.time() + max(nanoseconds, 0) / 10**9 + 0.001
        timer = self._timers.get(job_id)
        if timer and not timer.cancelled() and loop.time() < timer.when() <= due:
            return
        if timer:
            timer.cancel()
        self._timers[job_id] = loop.call_at(due, self.evaluate, job_id)

    def _run(self, job_id):
        self._planned.discard(job_id)
        job = self._store.jobs.get(job_id)
        evaluation = self._pending_evaluation(job_id)
        plan = _Plan(self._store, self._hosts, self._later, evaluation)
        if job is None or job["Stop"]:
            for alloc in self._store.allocs_of(job_id):
                if alloc.desired_status == RUN and not alloc.client_terminal:
                    plan.stop(alloc, NOT_NEEDED)
        elif job["Type"] == "system":
            plan.system(job)
        else:
            for group in job["TaskGroups"]:
                plan.group(job, group, self._deployments.for_plan(job, group))
            if job["Version"] > 0 or plan.changed:
                self._deployments.create_for(job, plan)
        if evaluation:
            asyncio.get_running_loop().call_later(ACKNOWLEDGE_SECONDS, evaluation.update, {"Status": "complete"})
        self._commit(job, plan)

    def _pending_evaluation(self, job_id):
        """The newest that asked for this plan; None when the plan is due for another reason."""
        newest = reversed(self._store.evals.values())
        return next((one for one in newest if one["JobID"] == job_id and one["Status"] == "pending"), None)

    def _commit(self, job, plan):
        jobs = [job] if job and _set_status(self._store, job) else []
        if plan.changed or plan.deployments or jobs:
            tables = {"allocs": plan.changed, "deployments": plan.deployments, "jobs": jobs}
            self._store.commit(**{name: records for name, records in tables.items() if records})
        for host in self._hosts:
            host.pull()


def _set_status(store, job):
    """A job runs while it has allocations that have not ended. True when that is news."""
    live = any(not alloc.client_terminal for alloc in store.allocs_of(job["ID"]))
    waiting = not job["Stop"] and any(group["Count"] for group in job["TaskGroups"])
    status = "dead" if job["Stop"] and not live else "running" if live else "pending" if waiting else "dead"
    changed, job["Status"] = job["Status"] != status, status
    return changed


def tasks_updated(old, new):
    """Whether a change needs new processes: everything but count, services, meta of the group and policies."""

    def essence(group):
        tasks = []
        for task in group["Tasks"]:
            kept = {k: v for k, v in task.items() if k not in ("Services", "RestartPolicy", "KillTimeout", "LogConfig")}
            tasks.append(kept)
        return json.dumps([tasks, group["Networks"], group["EphemeralDisk"], group["Meta"]], sort_keys=True)

    return essence(old) != essence(new)


class _Plan:
    def __init__(self, store, hosts, later, evaluation):
        self._store = store
        self._evaluation = evaluation
        self._hosts = {host.node["ID"]: host for host in hosts}
        self._later = later
        self.changed = []
        self.deployments = []
        self.queued = {}

    def _touch(self, alloc):
        if not any(alloc is one for one in self.changed):
            self.changed.append(alloc)

    def stop(self, alloc, why):
        alloc.desired_status, alloc.desired_description = STOP, why
        self._touch(alloc)

    def group(self, job, group, deployment):
        allocs = self._store.allocs_of(job["ID"], group["Name"])
        replace = []
        for alloc in allocs:
            node = self._store.nodes[alloc.node_id]
            if alloc.desired_status != RUN or alloc.client_status == COMPLETE:
                continue
            if alloc.client_status == FAILED:
                self._reschedule(alloc, replace)
            elif node["Status"] == "down":
                self._lose(alloc, replace)
            elif alloc.transition.get("Migrate"):
                self.stop(alloc, MIGRATING)
                replace.append(alloc)
        self._continue_waiting(allocs, replace)
        self._shrink(group, allocs, replace)
        self._update(job, group, deployment, replace)
        self._fill(job, group, replace)

    def _reschedule(self, alloc, replace):
        if self._is_overlooked(alloc):
            return
        policy = alloc.group["ReschedulePolicy"] or {"Unlimited": False, "Attempts": 0}
        if not policy["Unlimited"] and len(alloc.reschedules) >= policy["Attempts"]:
            return
        wait = alloc.failed_at + _reschedule_delay(policy, len(alloc.reschedules)) - now_ns()
        if wait > 0:
            if not alloc.followup_eval_id:
                alloc.followup_eval_id = new_id()
                self._touch(alloc)
            self._later(alloc.job_id, wait)
            return
        self.stop(alloc, "")
        replace.append(alloc)

    def _is_overlooked(self, alloc):
        """Healthy once, and failed while its deployment goes on: Nomad 2.0 leaves such a one alone, and does not look
        again when the deployment is done, but at the job's next evaluation, whenever that is (tried)."""
        deployment = self._store.deployments.get(alloc.deployment_id)
        was_healthy = (alloc.deployment_status or {}).get("Healthy") is True
        return bool(deployment) and deployment["Status"] in ("running", "paused") and was_healthy

    def _lose(self, alloc, replace):
        self.stop(alloc, IS_LOST)
        alloc.client_status = LOST
        wait = (alloc.group["Disconnect"] or {}).get("StopOnClientAfter") or 0
        if wait:  # the client stops it by itself; until it must have done so there is no replacement
            alloc.transition["ReplaceAt"] = now_ns() + wait
            self._later(alloc.job_id, wait)
        else:
            replace.append(alloc)

    def _continue_waiting(self, allocs, replace):
        for alloc in allocs:
            due = alloc.transition.get("ReplaceAt")
            if due and not alloc.next:
                if due <= now_ns():
                    del alloc.transition["ReplaceAt"]
                    replace.append(alloc)
                else:
                    self._later(alloc.job_id, due - now_ns())

    def _update(self, job, group, deployment, replace):
        """Allocations of an older version: changed in place, or replaced as far as `update` allows."""
        update = group["Update"] or {"MaxParallel": 0}
        live = [a for a in self._store.allocs_of(job["ID"], group["Name"]) if a.live]
        unproven = sum(
            1 for a in live if a.job["Version"] == job["Version"] and not (a.deployment_status or {}).get("Healthy")
        )
        allowed = len(live) if not update["MaxParallel"] else max(update["MaxParallel"] - unproven, 0)
        if deployment and deployment["Status"] not in ("running",):
            allowed = 0 if deployment["JobVersion"] == job["Version"] else allowed
        for alloc in sorted(live, key=lambda a: a.number):
            if alloc.job["Version"] == job["Version"]:
                continue
            if not tasks_updated(alloc.group, group):
                self._in_place(alloc, job, group, deployment)
            elif allowed > 0 and alloc.number < group["Count"]:
                allowed -= 1
                self.stop(alloc, UPDATING)
                replace.append(alloc)

    def _in_place(self, alloc, job, group, deployment):
        alloc.job, alloc.group = job_snapshot(job), deepcopy(group)
        alloc.deployment_id, alloc.deployment_status = "", None
        self._touch(alloc)

    def _standing(self, allocs):
        """Those that have their place: running, starting, or failed and waiting for their replacement."""
        return [a for a in allocs if a.desired_status == RUN and a.client_status not in (COMPLETE, LOST)]

    def _shrink(self, group, allocs, replace):
        """Too many: what needs replacing is not replaced, then the highest indexes go."""
        standing = self._standing(allocs)
        surplus = max(len(standing) + len(replace) - group["Count"], 0)
        for alloc in sorted(replace, key=lambda a: -a.number)[:surplus]:
            replace.remove(alloc)
            surplus -= 1
        for alloc in sorted(standing, key=lambda a: -a.number)[:surplus]:
            self.stop(alloc, NOT_NEEDED)

    def _fill(self, job, group, replace):
        """Replacements keep the index; what else is missing gets the lowest free ones."""
        standing = self._standing(self._store.allocs_of(job["ID"], group["Name"]))
        for alloc in replace:
            self._place(job, group, alloc.number, alloc)
        used = {a.number for a in standing} | {a.number for a in replace}
        numbers = (n for n in range(group["Count"]) if n not in used)
        for _ in range(group["Count"] - len(standing) - len(replace)):
            self._place(job, group, next(numbers, group["Count"]), None)

    def _place(self, job, group, number, previous):
        for node in self._candidates(job, group, previous):
            try:
                ports = self._hosts[node["ID"]].take_ports(group)
            except NoPort:
                continue
            self._create(job, group, number, previous, node, ports)
            return
        self.queued[group["Name"]] = self.queued.get(group["Name"], 0) + 1

    def _create(self, job, group, number, previous, node, ports):
        self._evaluation = self._evaluation or self._store.new_eval(job, "queued-allocs")
        alloc = Alloc(
            id=new_id(),
            name=f"{job['ID']}.{group['Name']}[{number}]",
            job=job_snapshot(job),
            group=deepcopy(group),
            node_id=node["ID"],
            node_name=node["Name"],
            eval_id=self._evaluation["ID"],
            ports=ports,
        )
        if previous:
            alloc.previous, previous.next = previous.id, alloc.id
            self._touch(previous)
            if previous.client_status == FAILED:
                event = {"RescheduleTime": now_ns(), "PrevAllocID": previous.id, "PrevNodeID": previous.node_id}
                alloc.reschedules = [*previous.reschedules, event]
        self._store.allocs[alloc.id] = alloc
        self._touch(alloc)

    def _candidates(self, job, group, previous):
        """Feasible hosts, best first: few of this group, few in all, not the one where the last attempt failed."""
        here, total = {}, {}
        for alloc in self._store.allocs.values():
            if alloc.live:
                total[alloc.node_id] = total.get(alloc.node_id, 0) + 1
                if alloc.job_id == job["ID"] and alloc.group["Name"] == group["Name"]:
                    here[alloc.node_id] = here.get(alloc.node_id, 0) + 1
        failed_at = {previous.node_id} if previous and previous.client_status == FAILED else set()
        nodes = [node for node in self._store.nodes.values() if self._feasible(node, job, group, here)]
        return sorted(
            nodes,
            key=lambda n: (here.get(n["ID"], 0), n["ID"] in failed_at, total.get(n["ID"], 0), n["Name"]),
        )

    def _feasible(self, node, job, group, here):
        if node["Status"] != "ready" or node["SchedulingEligibility"] != "eligible":
            return False
        return self._belongs(node, job, group, here.get(node["ID"], 0))

    def _belongs(self, node, job, group, of_group_here):
        """Whether the job wants to be there at all; an ineligible host gets nothing new but keeps what it has."""
        if "*" not in job["Datacenters"] and node["Datacenter"] not in job["Datacenters"]:
            return False
        return constraints.allow(node, job, group, of_group_here)

    def system(self, job):
        """One allocation on every host that may have one. A failed one stays until the job or its host changes."""
        for group in job["TaskGroups"]:
            allocs = self._store.allocs_of(job["ID"], group["Name"])
            for alloc in allocs:
                node = self._store.nodes[alloc.node_id]
                if alloc.desired_status != RUN or alloc.client_status in CLIENT_TERMINAL:
                    continue
                if node["Status"] == "down":
                    self.stop(alloc, IS_LOST)
                    alloc.client_status = LOST
                elif alloc.transition.get("Migrate"):
                    self.stop(alloc, MIGRATING)
                elif not self._belongs(node, job, group, 0):
                    self.stop(alloc, NOT_NEEDED)
                elif alloc.job["Version"] != job["Version"]:
                    if tasks_updated(alloc.group, group):
                        self.stop(alloc, UPDATING)
                    else:
                        self._in_place(alloc, job, group, None)
            self._fill_system(job, group, allocs)

    def _fill_system(self, job, group, allocs):
        for node in self._store.nodes.values():
            mine = [a for a in allocs if a.node_id == node["ID"] and a.desired_status == RUN]
            if any(a.client_status != LOST and (a.live or a.job["Version"] == job["Version"]) for a in mine):
                continue
            if self._feasible(node, job, group, {}):
                ending = [a for a in allocs if a.node_id == node["ID"] and a.desired_status == STOP and not a.next]
                try:
                    ports = self._hosts[node["ID"]].take_ports(group)
                except NoPort:
                    continue
                self._create(job, group, 0, ending[-1] if ending else None, node, ports)


def job_snapshot(job):
    return deepcopy(job)


def _reschedule_delay(policy, attempts):
    delay, kind = policy["Delay"], policy["DelayFunction"]
    if kind == "exponential":
        delay *= 2**attempts
    elif kind == "fibonacci":
        a, b = 1, 1
        for _ in range(attempts):
            a, b = b, a + b
        delay *= a
    return min(delay, policy["MaxDelay"]) if kind != "constant" else delay
