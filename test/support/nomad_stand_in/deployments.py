"""Deployments: one for every version of a service job, done when all of its allocations are healthy."""

import asyncio

from . import task_events
from .store import new_id, now_ns

ACTIVE = ("running", "paused")
FINISHED_TEXT = {
    "successful": "Deployment completed successfully",
    "failed": "Failed due to progress deadline",
    "cancelled": "Cancelled due to newer version of job",
}
FINISH_SECONDS = 0.3  # the watcher on the servers works in batches


class Deployments:
    def __init__(self, store):
        self._store = store
        self.scheduler = None
        store.listen(self._on_commit)

    def active(self, job_id):
        deployment = self._store.latest_deployment(job_id)
        return deployment if deployment and deployment["Status"] in ACTIVE else None

    def for_plan(self, job, group):
        deployment = self._store.latest_deployment(job["ID"])
        return deployment if deployment and deployment["JobVersion"] == job["Version"] else None

    def create_for(self, job, plan):
        """The deployment of this version, if there is none yet and `update` asks for one; binds its allocations."""
        groups = [g for g in job["TaskGroups"] if (g["Update"] or {}).get("MaxParallel") and g["Count"]]
        if not groups:
            return
        latest = self._store.latest_deployment(job["ID"])
        if latest and latest["JobVersion"] == job["Version"] and latest["JobCreateIndex"] == job["CreateIndex"]:
            deployment = latest if latest["Status"] in ACTIVE else None
        else:
            if latest and latest["Status"] in ACTIVE:
                self._end(latest, "cancelled")
                plan.deployments.append(latest)
            deployment = self._new(job, groups)
            plan.deployments.append(deployment)
        if deployment:
            self._bind(job, deployment, plan)

    def _new(self, job, groups):
        deployment = {
            "CreateIndex": 0,
            "CreateTime": now_ns(),
            "EvalPriority": job["Priority"],
            "ID": new_id(),
            "IsMultiregion": False,
            "JobCreateIndex": job["CreateIndex"],
            "JobID": job["ID"],
            "JobModifyIndex": job["JobModifyIndex"],
            "JobSpecModifyIndex": job["JobModifyIndex"],
            "JobVersion": job["Version"],
            "ModifyIndex": 0,
            "ModifyTime": now_ns(),
            "Namespace": "default",
            "Status": "running",
            "StatusDescription": "Deployment is running",
            "TaskGroups": {group["Name"]: self._new_group(group) for group in groups},
        }
        self._store.deployments[deployment["ID"]] = deployment
        deadline = min(group["Update"]["ProgressDeadline"] for group in groups)
        if deadline:
            asyncio.get_running_loop().call_later(deadline / 10**9, self._overdue, deployment)
        return deployment

    def _new_group(self, group):
        update = group["Update"]
        return {
            "AutoPromote": update["AutoPromote"],
            "AutoRevert": update["AutoRevert"],
            "DesiredCanaries": 0,
            "DesiredTotal": group["Count"],
            "HealthyAllocs": 0,
            "PlacedAllocs": 0,
            "PlacedCanaries": None,
            "ProgressDeadline": update["ProgressDeadline"],
            "Promoted": False,
            "RequireProgressBy": task_events.timestamp(now_ns() + update["ProgressDeadline"]),
            "UnhealthyAllocs": 0,
        }

    def _bind(self, job, deployment, plan):
        for alloc in plan.changed:
            if alloc.live and alloc.job["Version"] == job["Version"] and not alloc.deployment_id:
                alloc.deployment_id = deployment["ID"]
        self._count(deployment)
        if deployment not in plan.deployments:
            plan.deployments.append(deployment)

    def _count(self, deployment):
        """Fills in how many are placed, healthy and unhealthy. True when that is news."""
        before = {name: dict(group) for name, group in deployment["TaskGroups"].items()}
        for name, group in deployment["TaskGroups"].items():
            mine = [
                alloc
                for alloc in self._store.allocs.values()
                if alloc.deployment_id == deployment["ID"] and alloc.group["Name"] == name
            ]
            verdicts = [(alloc.deployment_status or {}).get("Healthy") for alloc in mine]
            healthy, unhealthy = verdicts.count(True), verdicts.count(False)
            if healthy > group["HealthyAllocs"]:
                group["RequireProgressBy"] = task_events.timestamp(now_ns() + group["ProgressDeadline"])
            group.update(PlacedAllocs=len(mine), HealthyAllocs=healthy, UnhealthyAllocs=unhealthy)
        return before != deployment["TaskGroups"]

    def _on_commit(self, index, changed):
        touched = {alloc.deployment_id for alloc in changed.get("allocs", ()) if alloc.deployment_id}
        for deployment_id in touched:
            deployment = self._store.deployments[deployment_id]
            if deployment["Status"] not in ACTIVE or not self._count(deployment):
                continue
            deployment["ModifyIndex"] = index
            self._store.tables["deployments"] = index
            self.scheduler.evaluate(deployment["JobID"])
            groups = deployment["TaskGroups"].values()
            if all(group["HealthyAllocs"] >= group["DesiredTotal"] for group in groups):
                asyncio.get_running_loop().call_later(FINISH_SECONDS, self._finish, deployment)

    def _finish(self, deployment):
        groups = deployment["TaskGroups"].values()
        if deployment["Status"] in ACTIVE and all(g["HealthyAllocs"] >= g["DesiredTotal"] for g in groups):
            self._end(deployment, "successful")
            job = self._store.jobs.get(deployment["JobID"])
            jobs = [job] if job and job["Version"] == deployment["JobVersion"] else []
            for one in jobs:
                one["Stable"] = True
            tables = {"deployments": [deployment], **({"jobs": jobs} if jobs else {})}
            self._store.commit(**tables)

    def _overdue(self, deployment):
        """No instance became healthy for the whole progress deadline."""
        if deployment["Status"] in ACTIVE:
            due = min(group["RequireProgressBy"] for group in deployment["TaskGroups"].values())
            if due > task_events.timestamp():
                asyncio.get_running_loop().call_later(1.0, self._overdue, deployment)
                return
            self._end(deployment, "failed")
            self._store.commit(deployments=[deployment])

    def _end(self, deployment, status):
        deployment.update(Status=status, StatusDescription=FINISHED_TEXT[status])

    def set_health(self, deployment, healthy, unhealthy):
        """A person's or the operator's verdict. The index of the change; ValueError with Nomad's words."""
        if deployment["Status"] not in ACTIVE:
            raise ValueError("can't set health of allocations for a terminal deployment")
        allocs = []
        for ids, verdict in ((healthy, True), (unhealthy, False)):
            for alloc_id in ids:
                alloc = self._store.allocs.get(alloc_id)
                if alloc is None or alloc.deployment_id != deployment["ID"]:
                    raise ValueError(f"unknown alloc {alloc_id!r}")
                alloc.deployment_status = {
                    "Canary": False,
                    "Healthy": verdict,
                    "ModifyIndex": self._store.index + 1,
                    "Timestamp": task_events.timestamp(),
                }
                allocs.append(alloc)
        return self._store.commit(allocs=allocs, deployments=[deployment])
