"""/v1/jobs and /v1/job."""

import math

from . import hcl, jobs, jobspec, views
from .server import Answer, Refusal, listed, read_json
from .store import RUN, new_id, now_ns

OLD = (1, 8, 2)  # before this version `JobModifyIndex` of a scaling request is ignored


class JobRoutes:
    def __init__(self, api, store, scheduler, deployments, version):
        self._api = api
        self._store = store
        self._scheduler = scheduler
        self._deployments = deployments
        self._version = version
        api.route("/v1/jobs", GET=self._list, PUT=self._register)
        api.route("/v1/jobs/parse", PUT=self._parse)
        api.route("/v1/validate/job", PUT=self._validate)
        api.route("/v1/job/{}", GET=self._get, PUT=self._register, DELETE=self._delete)
        api.route("/v1/job/{}/plan", PUT=self._plan)
        api.route("/v1/job/{}/summary", GET=self._summary)
        api.route("/v1/job/{}/evaluations", GET=self._evaluations)
        api.route("/v1/job/{}/scale", GET=self._scale_status, PUT=self._scale)
        api.route("/v1/evaluation/{}", GET=self._evaluation)

    async def _list(self, request):
        def look():
            stubs = [views.job_stub(self._store, job) for _, job in sorted(self._store.jobs.items())]
            return Answer(listed(request, stubs), index=self._store.table_index("jobs"))

        return await self._api.blocking(request, look)

    def _job(self, request, job_id):
        known = request.query.get("namespace", "default") in ("default", "*")
        return self._store.jobs.get(job_id) if known else None

    async def _get(self, request, job_id):
        def look():
            job = self._job(request, job_id)
            if job is None:
                return Answer("job not found", 404, self._store.table_index("jobs"))
            return Answer(views.job(job), index=job["ModifyIndex"])

        return await self._api.blocking(request, look)

    async def _parse(self, request):
        body = await read_json(request)
        if not body.get("JobHCL"):
            raise Refusal(400, "Job spec is empty")
        try:
            return Answer(jobspec.parse_job(body["JobHCL"], body.get("Variables") or ""))
        except hcl.HclError as error:
            raise Refusal(400, f"Failed to parse job: {error}") from error

    async def _checked(self, request):
        body = await read_json(request)
        if not isinstance(body, dict) or not body.get("Job"):
            raise Refusal(400, "Job must be specified")
        try:
            job = jobs.canonical(body["Job"])
            jobs.validate(job)
        except jobs.Invalid as error:
            raise Refusal(500, str(error)) from error
        except jobs.NotPlayed as error:
            raise Refusal(501, str(error)) from error
        return body, jobs.stored(job, self._version)

    async def _validate(self, request):
        await self._checked(request)
        return Answer({"DriverConfigValidated": True, "Error": "", "ValidationErrors": None, "Warnings": ""})

    async def _register(self, request, job_id=None):
        body, job = await self._checked(request)
        if job_id is not None and job["ID"] != job_id:
            raise Refusal(400, "Job ID does not match name")
        old = self._store.jobs.get(job["ID"])
        if body.get("EnforceIndex"):
            self._enforce(int(body.get("JobModifyIndex") or 0), old)
        if body.get("PreserveCounts") and old:
            counts = {group["Name"]: group["Count"] for group in old["TaskGroups"]}
            for group in job["TaskGroups"]:
                group["Count"] = counts.get(group["Name"], group["Count"])
        job["Stop"] = False
        return self._answer(self._write(job, old, "job-register"), job)

    def _enforce(self, wanted, old):
        have = old["JobModifyIndex"] if old else 0
        if wanted == have:
            return
        if wanted == 0:
            raise Refusal(500, "Enforcing job modify index 0: job already exists")
        if not old:
            raise Refusal(500, f"Enforcing job modify index {wanted}: job does not exist")
        raise Refusal(
            500, f"Enforcing job modify index {wanted}: job exists with conflicting job modify index: {have}"
        )

    def _write(self, job, old, trigger):
        """The new version of a job, its evaluation, and soon its plan."""
        if old and jobs.same(old, job):
            evaluation = self._store.new_eval(old, trigger)
            self._store.commit(evals=[evaluation])
            job["JobModifyIndex"] = old["JobModifyIndex"]
            return evaluation
        job["Version"] = old["Version"] + 1 if old else 0
        job["CreateIndex"] = old["CreateIndex"] if old else 0
        job["SubmitTime"] = now_ns()
        job["Status"] = "running" if old and not old["Stop"] else "pending"
        job["Stable"] = False
        self._store.jobs[job["ID"]] = job
        job["JobModifyIndex"] = self._store.index + 1
        evaluation = self._store.new_eval(job, trigger, "pending")
        index = self._store.commit(jobs=[job], evals=[evaluation])
        for group in job["TaskGroups"]:
            if group["Scaling"]:
                had = _group(old, group["Name"]) if old else None
                scaling = (had or {}).get("Scaling") or {"ID": new_id(), "CreateIndex": index}
                group["Scaling"].update(ID=scaling["ID"], CreateIndex=scaling["CreateIndex"], ModifyIndex=index)
        self._scheduler.evaluate(job["ID"])
        return evaluation

    def _answer(self, evaluation, job, index=None):
        index = index or self._store.index
        return Answer(
            {
                "EvalCreateIndex": evaluation["CreateIndex"],
                "EvalID": evaluation["ID"],
                "Index": index,
                "JobModifyIndex": job["JobModifyIndex"],
                "KnownLeader": False,
                "LastContact": 0,
                "NextToken": "",
                "Warnings": "",
            },
            index=index,
            read=False,
        )

    async def _delete(self, request, job_id):
        job = self._store.jobs.get(job_id)
        if job is None:
            raise Refusal(404, "job not found")
        evaluation = self._store.new_eval(job, "job-deregister", "pending")
        if request.query.get("purge", "") in ("true", "1"):
            del self._store.jobs[job_id]
        else:
            job["Stop"] = True
            job["Version"] += 1
            job["JobModifyIndex"] = self._store.index + 1
        deployment = self._deployments.active(job_id)
        if deployment:
            deployment.update(Status="cancelled", StatusDescription="Cancelled because job is stopped")
        self._store.commit(jobs=[job], evals=[evaluation], **({"deployments": [deployment]} if deployment else {}))
        self._scheduler.evaluate(job_id)
        answer = self._answer(evaluation, job)
        answer.body["JobModifyIndex"] = answer.index
        del answer.body["Warnings"]
        return answer

    async def _plan(self, request, job_id):
        _, job = await self._checked(request)
        old = self._store.jobs.get(job_id)
        updates = {}
        names = "Canary DestructiveUpdate Disconnect Ignore InPlaceUpdate Migrate Place Preemptions Reconnect "
        names += "RescheduleLater RescheduleNow Stop"
        for group in job["TaskGroups"]:
            live = sum(1 for a in self._store.allocs_of(job_id, group["Name"]) if a.live)
            updates[group["Name"]] = {
                **{name: 0 for name in names.split()},
                "Place": max(group["Count"] - live, 0),
                "Stop": max(live - group["Count"], 0),
                "Ignore": min(live, group["Count"]),
            }
        index = old["JobModifyIndex"] if old else 0
        return Answer(
            {
                "Annotations": {"DesiredTGUpdates": updates, "PreemptedAllocs": None},
                "CreatedEvals": None,
                "Diff": None,
                "FailedTGAllocs": None,
                "Index": index,
                "JobModifyIndex": index,
                "NextPeriodicLaunch": None,
                "Warnings": "",
            },
            index=index,
            read=False,
        )

    async def _summary(self, request, job_id):
        def look():
            job = self._job(request, job_id)
            if job is None:
                return Answer("job not found", 404, self._store.table_index("jobs"))
            found = views.summary(self._store, job)
            return Answer(found, index=found["ModifyIndex"])

        return await self._api.blocking(request, look)

    async def _evaluations(self, request, job_id):
        def look():
            found = [one for one in self._store.evals.values() if one["JobID"] == job_id]
            return Answer(found, index=self._store.table_index("evals"))

        return await self._api.blocking(request, look)

    async def _evaluation(self, request, eval_id):
        _require_uuid(eval_id, "eval")

        def look():
            found = self._store.evals.get(eval_id)
            if found is None:
                return Answer("eval not found", 404, self._store.table_index("evals"))
            return Answer(found, index=found["ModifyIndex"])

        return await self._api.blocking(request, look)

    async def _scale_status(self, request, job_id):
        def look():
            job = self._job(request, job_id)
            if job is None:
                return Answer("job not found", 404, max(self._store.tables.values(), default=0))
            # Over the allocations that live: when one ends, the index may go back, as it does in Nomad.
            live = [a.modify_index for a in self._store.allocs_of(job_id) if a.desired_status == RUN]
            return Answer(views.scale_status(self._store, job), index=max([job["ModifyIndex"], *live]))

        return await self._api.blocking(request, look)

    async def _scale(self, request, job_id):
        body = await read_json(request)
        count, name = _scaling_request(body)
        if count is not None and count < 0:
            raise Refusal(400, "scaling action count can't be negative")
        if not name:
            raise Refusal(400, "missing task group name for scaling action")
        if body.get("Error") and count is not None:
            raise Refusal(400, "scaling action should not contain count if error is true")
        job = self._job(request, job_id)
        if job is None:
            raise Refusal(404, f'job "{job_id}" not found')
        group = _group(job, name)
        if group is None:
            raise Refusal(400, f'task group "{name}" specified for scaling does not exist in job')
        if count is not None:
            self._check_scaling(job, group, count, int(body.get("JobModifyIndex") or 0))
        return self._scaled(job, group, count, body)

    def _check_scaling(self, job, group, count, expected):
        policy = group["Scaling"]
        if policy and policy["Max"] is not None and count > policy["Max"]:
            text = f"group count was greater than scaling policy maximum: {count} > {policy['Max']}"
            raise Refusal(400, text)
        if policy and count < (policy["Min"] or 0):
            raise Refusal(400, f"group count was less than scaling policy minimum: {count} < {policy['Min']}")
        if job["Type"] == "system" and count not in (0, 1):
            raise Refusal(400, "system jobs can only be scaled between 0 and 1")
        if expected and self._version >= OLD and expected != job["JobModifyIndex"]:
            raise Refusal(
                500,
                f"Enforcing job modify index {expected}: job exists with conflicting job modify index: "
                f"{job['JobModifyIndex']}",
            )
        if self._deployments.active(job["ID"]):
            raise Refusal(400, "job scaling blocked due to active deployment")

    def _scaled(self, job, group, count, body):
        """Every accepted count, also an equal one, is a new version with a new deployment."""
        previous, evaluation = group["Count"], None
        if count is not None:
            group["Count"] = count
            job["Version"] += 1
            job["SubmitTime"] = now_ns()
            job["JobModifyIndex"] = self._store.index + 1
            self._store.commit(jobs=[job])
            evaluation = self._store.new_eval(job, "job-scaling", "pending")
            self._store.commit(evals=[evaluation])
        event = {
            "Count": count,
            "CreateIndex": self._store.index + 1,
            "Error": bool(body.get("Error")),
            "EvalID": evaluation and evaluation["ID"],
            "Message": body.get("Message", ""),
            "Meta": _as_floats(body.get("Meta")),
            "PreviousCount": previous,
            "Time": now_ns(),
        }
        key = (job["ID"], group["Name"])
        self._store.scaling_events[key] = [event, *self._store.scaling_events.get(key, [])][:20]
        index = self._store.commit(scaling_event=[])
        if count is not None:
            self._scheduler.evaluate(job["ID"])
        answer = self._answer(evaluation or {"CreateIndex": 0, "ID": ""}, job, index)
        answer.body["KnownLeader"] = True
        return answer


def _scaling_request(body):
    if not isinstance(body, dict):
        raise Refusal(400, "json: cannot unmarshal into Go value of type api.ScalingRequest")
    for name, wanted, go in (("Count", int, "int64"), ("JobModifyIndex", int, "uint64"), ("Error", bool, "bool")):
        value = body.get(name)
        if value is not None and type(value) is not wanted:
            kind = {str: "string", bool: "bool", dict: "object", list: "array"}.get(type(value), f"number {value}")
            raise Refusal(400, f"json: cannot unmarshal {kind} into Go struct field ScalingRequest.{name} of type {go}")
    return body.get("Count"), (body.get("Target") or {}).get("Group")


def _group(job, name):
    return next((group for group in job["TaskGroups"] if group["Name"] == name), None)


def _as_floats(value):
    """Free metadata passes through Go's interface{}: every number comes back as a float."""
    if isinstance(value, dict):
        return {name: _as_floats(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_as_floats(item) for item in value]
    if isinstance(value, int) and not isinstance(value, bool):
        return float(value) if math.isfinite(value) else value
    return value


def _require_uuid(text, kind):
    if len(text) != 36:
        raise Refusal(500, f"{kind} lookup failed: index error: UUID must be 36 characters")
