"""/v1/allocations, /v1/allocation, what goes to a client, and deployments."""

from . import views
from .routes_jobs import _require_uuid
from .runner import signal_number
from .server import Answer, Refusal, listed, read_json


class AllocRoutes:
    def __init__(self, api, store, hosts, scheduler, deployments, signing_key):
        self._api = api
        self._store = store
        self._hosts = hosts
        self._scheduler = scheduler
        self._deployments = deployments
        self._signing_key = signing_key
        api.route("/v1/allocations", GET=self._list)
        api.route("/v1/allocation/{}", GET=self._get)
        api.route("/v1/allocation/{}/stop", PUT=self._stop)
        api.route("/v1/client/allocation/{}/restart", PUT=self._restart)
        api.route("/v1/client/allocation/{}/signal", PUT=self._signal)
        api.route("/v1/job/{}/allocations", GET=self._of_job)
        api.route("/v1/node/{}/allocations", GET=self._of_node)
        api.route("/v1/job/{}/deployment", GET=self._deployment_of_job)
        api.route("/v1/job/{}/deployments", GET=self._deployments_of_job)
        api.route("/v1/deployments", GET=self._deployment_list)
        api.route("/v1/deployment/allocations/{}", GET=self._of_deployment)
        api.route("/v1/deployment/allocation-health/{}", PUT=self._set_health)
        api.route("/v1/deployment/pause/{}", PUT=self._pause)
        api.route("/v1/deployment/fail/{}", PUT=self._fail)
        api.route("/v1/deployment/{}", GET=self._deployment)

    def _stubs(self, request, allocs):
        resources = request.query.get("resources", "") == "true"
        task_states = request.query.get("task_states", "true") != "false"
        ordered = sorted(allocs, key=lambda alloc: alloc.id)
        return listed(request, [views.alloc_stub(alloc, resources, task_states) for alloc in ordered])

    async def _list(self, request):
        def look():
            stubs = self._stubs(request, self._store.allocs.values())
            return Answer(stubs, index=self._store.table_index("allocs"))

        return await self._api.blocking(request, look)

    async def _of_job(self, request, job_id):
        def look():
            allocs = self._store.allocs_of(job_id)
            if request.query.get("all", "") != "true":  # only those of the job as it is now, none after a purge
                job = self._store.jobs.get(job_id)
                allocs = [a for a in allocs if job and a.job["CreateIndex"] == job["CreateIndex"]]
            stubs = self._stubs_without_resources(request, allocs)
            return Answer(stubs, index=self._store.table_index("allocs"))

        return await self._api.blocking(request, look)

    def _stubs_without_resources(self, request, allocs):
        """The list of a job has no `resources` parameter, not even in 2.0.5."""
        ordered = sorted(allocs, key=lambda alloc: alloc.id)
        return listed(request, [views.alloc_stub(alloc) for alloc in ordered])

    async def _of_node(self, request, node_id):
        def look():
            allocs = [alloc for alloc in self._store.allocs.values() if alloc.node_id == node_id]
            shown = [views.alloc_detail(alloc, self._signing_key) for alloc in sorted(allocs, key=lambda a: a.id)]
            return Answer(shown, index=max((alloc.modify_index for alloc in allocs), default=1))

        return await self._api.blocking(request, look)

    async def _get(self, request, alloc_id):
        _require_uuid(alloc_id, "alloc")

        def look():
            alloc = self._store.allocs.get(alloc_id)
            if alloc is None:
                return Answer("alloc not found", 404, self._store.table_index("allocs"))
            return Answer(views.alloc_detail(alloc, self._signing_key), index=alloc.modify_index)

        return await self._api.blocking(request, look)

    async def _stop(self, request, alloc_id):
        alloc = self._store.allocs.get(alloc_id)
        if alloc is None:
            raise Refusal(404, "allocation not found")
        evaluation = self._store.new_eval(alloc.job, "alloc-stop", "pending")
        changed = []
        if not alloc.client_terminal:
            alloc.transition.update(Migrate=True, NoShutdownDelay=False, Reschedule=False)
            if request.query.get("no_shutdown_delay") == "true":
                alloc.transition["NoShutdownDelay"] = True
                alloc.group["ShutdownDelay"] = 0
            changed.append(alloc)
        index = self._store.commit(evals=[evaluation], allocs=changed)
        self._scheduler.evaluate(alloc.job_id)
        return Answer({"EvalID": evaluation["ID"], "Index": index}, index=index, read=False)

    def _runner(self, alloc_id, body):
        alloc = self._store.allocs.get(alloc_id)
        host = alloc and next(host for host in self._hosts if host.node["ID"] == alloc.node_id)
        runner = host.runners.get(alloc_id) if host else None
        if runner is None:
            raise Refusal(404, f"Unknown allocation {alloc_id!r}".replace("'", '"'))
        if not host.connected:
            raise Refusal(404, f"No path to node. ID: {alloc.node_id}")
        name = body.get("TaskName", "")
        tasks = [runner.tasks[name]] if name in runner.tasks else [] if name else list(runner.tasks.values())
        if not tasks:
            raise Refusal(500, f'Could not find task named: {name}')
        if not all(task.process and task.process.alive for task in tasks):
            raise Refusal(500, "Task not running")
        return tasks

    async def _restart(self, request, alloc_id):
        for task in self._runner(alloc_id, await read_json(request) if request.can_read_body else {}):
            await task.restart()
        return Answer({"Index": 0})

    async def _signal(self, request, alloc_id):
        body = await read_json(request)
        for task in self._runner(alloc_id, body):
            try:
                signal_number(body.get("Signal", ""))
            except ValueError as error:
                raise Refusal(500, f"invalid signal: {body.get('Signal', '')}") from error
            task.signal(body["Signal"])
        return Answer({"Index": 0})

    # Deployments.

    async def _deployment_of_job(self, request, job_id):
        def look():
            found = self._store.latest_deployment(job_id)
            index = found["ModifyIndex"] if found else self._store.table_index("deployments")
            return Answer(found, index=index)

        return await self._api.blocking(request, look)

    async def _deployments_of_job(self, request, job_id):
        def look():
            found = [one for one in self._store.deployments.values() if one["JobID"] == job_id]
            return Answer(found, index=self._store.table_index("deployments"))

        return await self._api.blocking(request, look)

    async def _deployment_list(self, request):
        def look():
            found = listed(request, list(self._store.deployments.values()))
            return Answer(found, index=self._store.table_index("deployments"))

        return await self._api.blocking(request, look)

    async def _deployment(self, request, deployment_id):
        _require_uuid(deployment_id, "deployment")

        def look():
            found = self._store.deployments.get(deployment_id)
            if found is None:
                return Answer("deployment not found", 404, self._store.table_index("deployments"))
            return Answer(found, index=found["ModifyIndex"])

        return await self._api.blocking(request, look)

    async def _of_deployment(self, request, deployment_id):
        def look():
            allocs = [alloc for alloc in self._store.allocs.values() if alloc.deployment_id == deployment_id]
            return Answer(self._stubs(request, allocs), index=self._store.table_index("allocs"))

        return await self._api.blocking(request, look)

    async def _named(self, request, deployment_id):
        """The deployment of a command; its body must name it again."""
        body = await read_json(request) if request.can_read_body else {}
        return self._store.deployments.get(deployment_id), body

    async def _set_health(self, request, deployment_id):
        deployment, body = await self._named(request, deployment_id)
        if not body.get("DeploymentID"):
            raise Refusal(400, "DeploymentID must be specified")
        if body["DeploymentID"] != deployment_id:
            raise Refusal(400, "Deployment ID does not match")
        healthy, unhealthy = body.get("HealthyAllocationIDs") or [], body.get("UnhealthyAllocationIDs") or []
        if not healthy and not unhealthy:
            raise Refusal(500, "must specify at least one healthy/unhealthy allocation ID")
        if deployment is None:
            raise Refusal(404, "deployment not found")
        try:
            index = self._deployments.set_health(deployment, healthy, unhealthy)
        except ValueError as error:
            raise Refusal(500, str(error)) from error
        self._scheduler.evaluate(deployment["JobID"])
        return self._updated(deployment, index)

    def _updated(self, deployment, index):
        job = self._store.jobs.get(deployment["JobID"])
        evaluation = self._store.new_eval(job, "deployment-watcher")
        evaluation["CreateIndex"] = evaluation["ModifyIndex"] = index
        shown = {
            "DeploymentModifyIndex": index,
            "EvalCreateIndex": index,
            "EvalID": evaluation["ID"],
            "Index": index,
            "RevertedJobVersion": None,
        }
        return Answer(shown, index=index, read=False)

    async def _pause(self, request, deployment_id):
        deployment, body = await self._named(request, deployment_id)
        pause = bool(body.get("Pause"))
        word = "pause" if pause else "resume"
        self._require_active(deployment, word)
        deployment["Status"] = "paused" if pause else "running"
        deployment["StatusDescription"] = "Deployment is paused" if pause else "Deployment is running"
        return self._changed(deployment)

    async def _fail(self, request, deployment_id):
        deployment, _ = await self._named(request, deployment_id)
        self._require_active(deployment, "fail")
        deployment.update(Status="failed", StatusDescription="Deployment marked as failed")
        return self._changed(deployment)

    def _require_active(self, deployment, word):
        if deployment is None:
            raise Refusal(404, "deployment not found")
        if deployment["Status"] not in ("running", "paused"):
            raise Refusal(500, f"can't {word} terminal deployment")

    def _changed(self, deployment):
        index = self._store.commit(deployments=[deployment])
        self._scheduler.evaluate(deployment["JobID"])
        return self._updated(deployment, index)
