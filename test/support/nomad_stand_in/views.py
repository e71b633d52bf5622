"""Records as the API shows them, in the shape of the version that the stand-in plays."""

from copy import deepcopy

from .store import COMPLETE, FAILED, LOST, PENDING, RUN, RUNNING

# What newer versions added (recorded from 1.6.5 and 2.0.5); an older one does not show it.
SINCE_2_0 = {
    "MigrateDisablePlacement",
    "Paused",
    "Disconnect",
    "Reconnect",
    "RescheduleLater",
    "RescheduleNow",
    "MaxRunDuration",
    "PreventRescheduleOnLost",
    "CNI",
    "IgnoreCollision",
    "FailuresBeforeWarning",
    "Notes",
    "Cluster",
    "Weights",
    "Actions",
    "Identities",
    "NUMA",
    "SecretsMB",
    "Schedule",
    "Secrets",
    "UI",
    "VersionTag",
    "GCVolumesOnNodeGC",
    "IdentitySigningKeyID",
    "NodeMaxAllocs",
    "Processors",
    "ConsulConfiguration",
    "OptionalExtraClaims",
    "RequiredExtraClaims",
    "VaultConfiguration",
}
# Of services only, for other records have fields of these names.
SINCE_2_0_IN_SERVICES = {"Identity", "Kind"}
FREE_MAPS = ("Meta", "Env", "Config", "Attributes", "Items", "Details")
TRANSITION = ("ForceReschedule", "Migrate", "MigrateDisablePlacement", "NoShutdownDelay", "Reschedule")


def for_version(record, version):
    """The record with the fields that the played version has."""
    if version >= (2, 0):
        return _newer(record)
    return _older(record)


def _newer(record):
    """What servers keep (parsed jobs are not that, they have no host network yet) is without empty fields in networks."""
    if isinstance(record, list):
        return [_newer(item) for item in record]
    if not isinstance(record, dict):
        return record
    if "DynamicPorts" in record and _kept_by_servers(record):
        return _stored_network(record)
    if set(record) == {"HostIP", "Label", "To", "Value"}:
        return {name: value for name, value in record.items() if name != "To" or value}
    return {name: value if name in FREE_MAPS else _newer(value) for name, value in record.items()}


def _kept_by_servers(network):
    ports = [*(network["DynamicPorts"] or []), *(network["ReservedPorts"] or [])]
    return any(port["HostNetwork"] for port in ports)


def _older(record):
    if isinstance(record, list):
        return [_older(item) for item in record]
    if not isinstance(record, dict):
        return record
    kept = {}
    for name, value in record.items():
        if name in FREE_MAPS:
            kept[name] = value
        elif name not in SINCE_2_0:
            kept[name] = _older(value)
    if "StartedAt" in kept and "Restarts" in kept:
        kept["TaskHandle"] = None
    if "DynamicPorts" in kept and _kept_by_servers(kept):
        kept["MBits"] = kept["MBits"] or 0
        if not kept.get("Hostname"):
            kept.pop("Hostname", None)
    if "HostVolumes" in kept:
        kept["HostVolumes"] = kept["HostVolumes"] or None
    if "NodeResources" in kept:
        kept.update(Reserved=_resources(0, 0, 0), Resources=_resources(4000, 16000, 100000))
    if "ConsulNamespace" in kept:
        kept.update(ConsulToken="", VaultToken="")
    if "EnableTagOverride" in kept:
        for name in SINCE_2_0_IN_SERVICES:
            kept.pop(name)
    if "KillTimeout" in kept and "Driver" in kept:
        kept.pop("Consul")
    if "ReschedulePolicy" in kept:
        kept["Consul"] = kept["Consul"] or {"Namespace": ""}
    if "DesiredCanaries" not in kept and "JobSpecModifyIndex" in kept:
        kept.pop("CreateTime", None)
        kept.pop("ModifyTime", None)
    return kept


def job(record):
    """A stored job."""
    shown = deepcopy(record)
    for name in ("Migrate", "Reschedule"):  # these live in the groups
        shown.pop(name, None)
    for group in shown["TaskGroups"]:
        for service in _services(group):
            service.pop("CheckRestart", None)
            service["Namespace"] = "default"
            for check in service["Checks"] or []:
                check.pop("Advertise", None)
    return shown


def _services(group):
    found = list(group["Services"] or [])
    for task in group["Tasks"]:
        found += task["Services"] or []
    return found


def _stored_network(network):
    shown = {name: value for name, value in network.items() if value}
    for kind in ("DynamicPorts", "ReservedPorts"):
        if shown.get(kind):
            shown[kind] = [
                {"HostNetwork": p["HostNetwork"], "Label": p["Label"], **{k: p[k] for k in ("To", "Value") if p[k]}}
                for p in shown[kind]
            ]
    return shown


def alloc_stub(alloc, resources=False, task_states=True):
    shown = {
        "ClientDescription": alloc.client_description,
        "ClientStatus": alloc.client_status,
        "CreateIndex": alloc.create_index,
        "CreateTime": alloc.create_time,
        "DeploymentStatus": deepcopy(alloc.deployment_status),
        "DesiredDescription": alloc.desired_description,
        "DesiredStatus": alloc.desired_status,
        "DesiredTransition": {name: alloc.transition.get(name) for name in TRANSITION},
        "EvalID": alloc.eval_id,
        "FollowupEvalID": alloc.followup_eval_id,
        "ID": alloc.id,
        "JobID": alloc.job_id,
        "JobType": alloc.job["Type"],
        "JobVersion": alloc.job["Version"],
        "ModifyIndex": alloc.modify_index,
        "ModifyTime": alloc.modify_time,
        "Name": alloc.name,
        "Namespace": "default",
        "NextAllocation": alloc.next,
        "NodeID": alloc.node_id,
        "NodeName": alloc.node_name,
        "PreemptedAllocations": None,
        "PreemptedByAllocation": "",
        "RescheduleTracker": _tracker(alloc),
        "TaskGroup": alloc.group["Name"],
        "TaskStates": alloc.task_states if task_states else None,
    }
    if resources:
        shown["AllocatedResources"] = allocated(alloc)
    return shown


def _tracker(alloc):
    return {"Events": alloc.reschedules} if alloc.reschedules else None


def allocated(alloc):
    ports = [
        {"HostNetwork": "default", "Label": p["Label"], "To": p["To"], "Value": p["Value"]} for p in alloc.ports
    ]
    empty = {"CIDR": "", "DNS": None, "Device": "", "MBits": 0, "Mode": "", "ReservedPorts": None}
    networks = [{**empty, "DynamicPorts": ports, "IP": alloc.ports[0]["HostIP"]}] if ports else None
    shared = [{name: port[name] for name in ("HostIP", "Label", "To", "Value")} for port in alloc.ports]
    return {
        "Shared": {"DiskMB": alloc.group["EphemeralDisk"]["SizeMB"], "Networks": networks, "Ports": shared or None},
        "TaskLifecycles": {task["Name"]: None for task in alloc.group["Tasks"]},
        "Tasks": {
            task["Name"]: {
                "Cpu": {"CpuShares": task["Resources"]["CPU"], "ReservedCores": None},
                "Devices": None,
                "Memory": {"MemoryMB": task["Resources"]["MemoryMB"], "MemoryMaxMB": 0},
                "Networks": None,
            }
            for task in alloc.group["Tasks"]
        },
    }


def _resources(cpu, memory, disk, networks=None):
    return {
        "CPU": cpu,
        "Cores": 0,
        "Devices": None,
        "DiskMB": disk,
        "IOPS": 0,
        "MemoryMB": memory,
        "MemoryMaxMB": 0,
        "NUMA": None,
        "Networks": networks,
        "SecretsMB": 0,
    }


def alloc_detail(alloc, signing_key):
    """`GET /v1/allocation/:id`: what is empty is left out here, and null in lists."""
    resources = allocated(alloc)
    networks = resources["Shared"]["Networks"]
    tasks = {t["Name"]: _resources(t["Resources"]["CPU"], t["Resources"]["MemoryMB"], 0) for t in alloc.group["Tasks"]}
    disk = resources["Shared"]["DiskMB"]
    total = [sum(task[name] for task in tasks.values()) for name in ("CPU", "MemoryMB")]
    shown = {
        "AllocModifyIndex": alloc.alloc_modify_index,
        "AllocatedResources": resources,
        "ClientDescription": alloc.client_description,
        "ClientStatus": alloc.client_status,
        "CreateIndex": alloc.create_index,
        "CreateTime": alloc.create_time,
        "DeploymentID": alloc.deployment_id,
        "DeploymentStatus": deepcopy(alloc.deployment_status),
        "DesiredDescription": alloc.desired_description,
        "DesiredStatus": alloc.desired_status,
        "DesiredTransition": {k: alloc.transition[k] for k in TRANSITION if alloc.transition.get(k) is not None},
        "EvalID": alloc.eval_id,
        "FollowupEvalID": alloc.followup_eval_id,
        "ID": alloc.id,
        "Job": job(alloc.job),
        "JobID": alloc.job_id,
        "Metrics": _metrics(alloc),
        "ModifyIndex": alloc.modify_index,
        "ModifyTime": alloc.modify_time,
        "Name": alloc.name,
        "Namespace": "default",
        "NetworkStatus": {"Address": "", "AddressIPv6": "", "DNS": None, "InterfaceName": ""},
        "NextAllocation": alloc.next,
        "NodeID": alloc.node_id,
        "NodeName": alloc.node_name,
        "PreviousAllocation": alloc.previous,
        "RescheduleTracker": _tracker(alloc),
        "Resources": _resources(*total, disk, networks),
        "SharedResources": _resources(0, 0, disk, networks),
        "SigningKeyID": signing_key,
        "TaskGroup": alloc.group["Name"],
        "TaskResources": tasks,
        "TaskStates": alloc.task_states,
    }
    return {name: value for name, value in shown.items() if value not in ("", None, {})}


def _metrics(alloc):
    empty = "ClassExhausted ClassFiltered ConstraintFiltered DimensionExhausted QuotaExhausted ResourcesExhausted Scores"
    return {
        **{name: None for name in empty.split()},
        "AllocationTime": 60000,
        "CoalescedFailures": 0,
        "NodePool": "default",
        "NodesAvailable": {},
        "NodesEvaluated": 1,
        "NodesExhausted": 0,
        "NodesFiltered": 0,
        "NodesInPool": 1,
        "ScoreMetaData": None,
    }


def summary(store, record):
    groups = {}
    for group in record["TaskGroups"]:
        allocs = store.allocs_of(record["ID"], group["Name"])
        count = lambda status: sum(1 for alloc in allocs if alloc.client_status == status)  # noqa: E731
        placed = sum(1 for alloc in allocs if alloc.desired_status == RUN)
        wanted = 0 if record["Stop"] else group["Count"]
        groups[group["Name"]] = {
            "Complete": count(COMPLETE),
            "Failed": count(FAILED),
            "Lost": count(LOST),
            "Queued": max(wanted - placed, 0) if record["Type"] == "service" else 0,
            "Running": count(RUNNING),
            "Starting": count(PENDING),
            "Unknown": count("unknown"),
        }
    latest = max((alloc.modify_index for alloc in store.allocs_of(record["ID"])), default=record["CreateIndex"])
    return {
        "Children": {"Dead": 0, "Pending": 0, "Running": 0},
        "CreateIndex": record["CreateIndex"],
        "JobID": record["ID"],
        "ModifyIndex": latest,
        "Namespace": "default",
        "Summary": groups,
    }


def job_stub(store, record):
    kept = (
        "CreateIndex Datacenters ID JobModifyIndex ModifyIndex Multiregion Name Namespace NodePool ParentID Priority "
        "Status StatusDescription Stop SubmitTime Type"
    )
    shown = {name: record[name] for name in kept.split()}
    return {**shown, "JobSummary": summary(store, record), "ParameterizedJob": False, "Periodic": False}


def node_stub(node):
    kept = (
        "CreateIndex Datacenter Drain Drivers HostVolumes ID LastDrain ModifyIndex Name NodeClass NodePool "
        "SchedulingEligibility Status StatusDescription"
    )
    address = node["Attributes"]["unique.network.ip-address"]
    return {
        "Address": address,
        **{name: node[name] for name in kept.split()},
        "Version": node["Attributes"]["nomad.version"],
    }


def scale_status(store, record):
    groups = {}
    for group in record["TaskGroups"]:
        allocs = [alloc for alloc in store.allocs_of(record["ID"], group["Name"]) if alloc.live]
        verdicts = [(alloc.deployment_status or {}).get("Healthy") for alloc in allocs]
        groups[group["Name"]] = {
            "Desired": group["Count"],
            "Events": store.scaling_events.get((record["ID"], group["Name"])),
            "Healthy": verdicts.count(True),
            "Placed": len(allocs),
            "Running": sum(1 for alloc in allocs if alloc.client_status == RUNNING),
            "Unhealthy": verdicts.count(False),
        }
    return {
        "JobCreateIndex": record["CreateIndex"],
        "JobID": record["ID"],
        "JobModifyIndex": record["ModifyIndex"],
        "JobStopped": record["Stop"],
        "Namespace": "default",
        "TaskGroups": groups,
    }
