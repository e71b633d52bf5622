"""Registering a job: what is filled in, what is refused, in which form the servers keep it."""

from copy import deepcopy

from . import constraints, jobspec, shapes
from .runner import signal_number

IDENTITY = {
    "Audience": ["nomadproject.io"],
    "ChangeMode": "",
    "ChangeSignal": "",
    "Env": False,
    "ExtraClaims": None,
    "File": False,
    "Filepath": "",
    "Name": "default",
    "ServiceName": "",
    "TTL": 0,
}
CONSUL_CONSTRAINT = {"LTarget": "${attr.consul.version}", "Operand": "semver", "RTarget": ">= 1.8.0"}
# Real in Nomad, but not in the double: said at registration, so that no test passes by an effect that never happens.
NOT_PLAYED = {
    "job": ("Affinities", "Multiregion", "ParameterizedJob", "Periodic"),
    "group": ("Affinities", "Volumes", "MaxRunDuration"),
    "task": ("Affinities", "Artifacts", "DispatchPayload", "Lifecycle", "Templates", "Vault", "VolumeMounts", "User"),
}


class Invalid(Exception):
    """Nomad answers 500 with this text."""


class NotPlayed(Exception):
    """501: valid for Nomad, not implemented here."""


def canonical(job):
    """A job as it came in, with everything filled in that Nomad's own tools fill in. Not shared with the caller's."""
    job = _over(shapes.JOB, deepcopy(job))
    job["Name"] = job["Name"] or job["ID"]
    job["Datacenters"] = job["Datacenters"] or ["*"]
    service = job["Type"] == "service"
    for name, shape, types in jobspec.DEFAULTED:
        job[name] = _over(shape, job[name]) if job[name] or job["Type"] in types else None
    for group in job["TaskGroups"] or []:
        _canonical_group(job, group, service)
    return job


def _over(shape, given):
    return {**shape.fresh(), **{name: value for name, value in (given or {}).items() if value is not None}}


def _canonical_group(job, group, service):
    group.update(_over(shapes.GROUP, group))
    group["Count"] = 1 if group["Count"] is None else group["Count"]
    for name, shape, _ in jobspec.DEFAULTED:
        group[name] = _over(shape, {**(job[name] or {}), **(group[name] or {})}) if group[name] or job[name] else None
    group["RestartPolicy"] = _over(shapes.RESTART, group["RestartPolicy"])
    if service:
        group["ReschedulePolicy"] = _over(shapes.RESCHEDULE, group["ReschedulePolicy"] or job.get("Reschedule"))
    group["EphemeralDisk"] = _over(shapes.EPHEMERAL_DISK, group["EphemeralDisk"])
    group["ShutdownDelay"] = group["ShutdownDelay"] or 0
    for network in group["Networks"] or []:
        network.update(_over(shapes.NETWORK, network))
        for kind in ("DynamicPorts", "ReservedPorts"):
            network[kind] = [_over(shapes.PORT, port) for port in network[kind] or []] or None
            for port in network[kind] or []:
                port["HostNetwork"] = port["HostNetwork"] or "default"
    for task in group["Tasks"] or []:
        task.update(_over(shapes.TASK, task))
        task["Resources"] = _over(shapes.RESOURCES, task["Resources"])
        task["LogConfig"] = _over(shapes.LOGS, task["LogConfig"])
        task["RestartPolicy"] = _over(shapes.RESTART, task["RestartPolicy"] or group["RestartPolicy"])
        _canonical_services(task)
    _canonical_services(group)


def _canonical_services(owner):
    for service in owner["Services"] or []:
        service.update(_over(shapes.SERVICE, service))
        for check in service["Checks"] or []:
            check.update(_over(shapes.CHECK, check))


def _list(problems):
    """As go-multierror prints them."""
    count = f"{len(problems)} error{'s' if len(problems) > 1 else ''} occurred:"
    return f"{count}\n\t* " + "\n\t* ".join(problems) + "\n\n"


def validate(job):
    """Raises Invalid with every problem listed, NotPlayed for what only the real Nomad can do."""
    problems = []
    if not job["ID"]:
        problems.append("Missing job ID")
    known = job["Type"] in ("service", "system")
    if job["Type"] in ("batch", "sysbatch"):
        raise NotPlayed(f"the stand-in runs no {job['Type']} jobs")
    if not known:
        problems.append(f'Invalid job type: "{job["Type"]}"')
    if not job["TaskGroups"]:
        problems.append("Missing job task groups")
    for group in job["TaskGroups"] or []:
        found = _group_problems(job, group, known)
        if found:
            problems.append(f"Task group {group['Name']} validation failed: {_list(found)}")
    if problems:
        raise Invalid(_list(problems))
    _refuse_unplayed(job)


def _group_problems(job, group, known):
    problems = []
    if not known:
        problems += [f'Job type "{job["Type"]}" does not allow {n.lower()} block' for n in ("Update", "Migrate") if group[n]]
    if group["Count"] < 0:
        problems.append("Task group count can't be negative")
    if not group["Tasks"]:
        problems.append("Missing tasks for task group")
    restart = group["RestartPolicy"]
    if restart["Mode"] not in ("delay", "fail"):
        problems.append(f'Unsupported restart mode: "{restart["Mode"]}"')
    if restart["Attempts"] == 0 and restart["Mode"] != "fail":
        problems.append(f'Restart policy "{restart["Mode"]}" with 0 attempts is ambiguous')
    policy = group["ReschedulePolicy"]
    if policy and (policy["Unlimited"] or policy["Attempts"]) and policy["Delay"] < 5 * shapes.SECOND:
        problems.append("Delay cannot be less than 5s (got %ss)" % (policy["Delay"] / shapes.SECOND))
    if group["StopAfterClientDisconnect"] and group["Disconnect"]:
        problems.append("stop_after_client_disconnect and disconnect.stop_on_client_after are exclusive")
    for task in group["Tasks"] or []:
        if not task["Driver"]:
            problems.append(f"Task {task['Name']} validation failed: Missing task driver")
        if task["KillSignal"]:
            try:
                signal_number(task["KillSignal"])
            except ValueError as error:
                problems.append(str(error))
    return problems


def _refuse_unplayed(job):
    for name in NOT_PLAYED["job"]:
        if job[name]:
            raise NotPlayed(f"the stand-in does not play {name} of jobs")
    for group in job["TaskGroups"]:
        for name in NOT_PLAYED["group"]:
            if group[name]:
                raise NotPlayed(f"the stand-in does not play {name} of groups")
        if any(group[kind] and group["Update"]["Canary"] for kind in ("Update",)):
            raise NotPlayed("the stand-in has no canaries")
        checks = [check for service in _services(group) for check in service["Checks"] or []]
        for check in checks:
            if check["Type"] not in ("tcp", "http"):
                raise NotPlayed(f"the stand-in has no {check['Type']} checks")
        for task in group["Tasks"]:
            if task["Driver"] != "raw_exec":
                raise NotPlayed(f"the stand-in has no driver {task['Driver']}")
            for name in NOT_PLAYED["task"]:
                if task[name]:
                    raise NotPlayed(f"the stand-in does not play {name} of tasks")
        for owner in (job, group, *group["Tasks"]):
            for one in owner["Constraints"] or []:
                if constraints.unsupported(one):
                    raise NotPlayed(f"the stand-in has no constraint {one['Operand']}")


def _services(group):
    return [*(group["Services"] or []), *(s for task in group["Tasks"] for s in task["Services"] or [])]


def stored(job, version):
    """The form in which the servers keep a canonical job."""
    job = deepcopy(job)
    job["NodePool"] = job["NodePool"] or "default"
    job["DispatchIdempotencyToken"] = job["DispatchIdempotencyToken"] or ""
    if job["Update"]:
        job["Update"].update(HealthCheck="", HealthyDeadline=0, MinHealthyTime=0, ProgressDeadline=0)
    job["Migrate"] = None
    for group in job["TaskGroups"]:
        if _services(group) and CONSUL_CONSTRAINT not in (group["Constraints"] or []):
            group["Constraints"] = [*(group["Constraints"] or []), dict(CONSUL_CONSTRAINT)]
        group["PreventRescheduleOnLost"] = bool(group["PreventRescheduleOnLost"])
        if group["Scaling"]:
            target = {"Namespace": "default", "Job": job["ID"], "Group": group["Name"]}
            group["Scaling"].update(Target=target)
            group["Scaling"].pop("Namespace", None)
        for task in group["Tasks"]:
            if version >= (1, 7):
                task["Identity"] = task["Identity"] or dict(IDENTITY)
            task["LogConfig"].pop("Enabled", None)
            for name in ("DiskMB", "IOPS", "MemoryMaxMB", "SecretsMB"):
                task["Resources"][name] = task["Resources"][name] or 0
            task["CSIPluginConfig"] = None
    return job


def same(old, new):
    """Whether a registration changes nothing."""
    volatile = ("CreateIndex", "ModifyIndex", "JobModifyIndex", "SubmitTime", "Version", "Status", "Stable", "Stop")

    def core(job):
        job = {name: value for name, value in deepcopy(job).items() if name not in volatile}
        for group in job["TaskGroups"]:
            if group["Scaling"]:
                group["Scaling"] = {**group["Scaling"], "ID": "", "CreateIndex": 0, "ModifyIndex": 0}
        return job

    return core(old) == core(new) and old["Stop"] == new["Stop"]
