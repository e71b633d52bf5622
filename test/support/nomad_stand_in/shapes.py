"""What each block of a job file is made of: the fields of the API's JSON with the values they have when not given."""

from copy import deepcopy
from dataclasses import dataclass, field

SECOND = 1_000_000_000
MINUTE = 60 * SECOND


@dataclass(frozen=True)
class Shape:
    """One kind of block: its JSON fields, and how the words of the file map to them where the names differ."""

    fields: dict
    names: dict = field(default_factory=dict)
    durations: tuple = ()

    def fresh(self):
        return deepcopy(self.fields)

    def field_for(self, word):
        """The JSON field that a word of the file sets, None when there is none."""
        if word in self.names:
            return self.names[word]
        squeezed = word.replace("_", "").lower()
        return next((name for name in self.fields if name.lower() == squeezed), None)


UPDATE = Shape(
    {
        "AutoPromote": False,
        "AutoRevert": False,
        "Canary": 0,
        "HealthCheck": "checks",
        "HealthyDeadline": 5 * MINUTE,
        "MaxParallel": 1,
        "MinHealthyTime": 10 * SECOND,
        "ProgressDeadline": 10 * MINUTE,
        "Stagger": 30 * SECOND,
    },
    durations=("HealthyDeadline", "MinHealthyTime", "ProgressDeadline", "Stagger"),
)

MIGRATE = Shape(
    {"HealthCheck": "checks", "HealthyDeadline": 5 * MINUTE, "MaxParallel": 1, "MinHealthyTime": 10 * SECOND},
    durations=("HealthyDeadline", "MinHealthyTime"),
)

RESTART = Shape(
    {"Attempts": 2, "Delay": 15 * SECOND, "Interval": 30 * MINUTE, "Mode": "fail", "RenderTemplates": False},
    durations=("Delay", "Interval"),
)

RESCHEDULE = Shape(
    {
        "Attempts": 0,
        "Delay": 30 * SECOND,
        "DelayFunction": "exponential",
        "Interval": 0,
        "MaxDelay": 60 * MINUTE,
        "Unlimited": True,
    },
    durations=("Delay", "Interval", "MaxDelay"),
)

DISCONNECT = Shape(
    {"LostAfter": None, "Reconcile": "best_score", "Replace": True, "StopOnClientAfter": None},
    durations=("LostAfter", "StopOnClientAfter"),
)

EPHEMERAL_DISK = Shape({"Migrate": False, "SizeMB": 300, "Sticky": False}, {"size": "SizeMB"})

SCALING = Shape(
    {
        "CreateIndex": 0,
        "Enabled": True,
        "ID": "",
        "Max": None,
        "Min": None,
        "ModifyIndex": 0,
        "Namespace": "",
        "Policy": None,
        "Target": None,
        "Type": "horizontal",
    }
)

NETWORK = Shape(
    {
        "CIDR": "",
        "CNI": None,
        "DNS": None,
        "Device": "",
        "DynamicPorts": None,
        "Hostname": "",
        "IP": "",
        "MBits": None,
        "Mode": "",
        "ReservedPorts": None,
    }
)

PORT = Shape(
    {"HostNetwork": "", "IgnoreCollision": False, "Label": "", "To": 0, "Value": 0},
    {"static": "Value"},
)

CHECK = Shape(
    {
        "AddressMode": "",
        "Advertise": "",
        "Args": None,
        "Body": "",
        "CheckRestart": None,
        "Command": "",
        "Expose": False,
        "FailuresBeforeCritical": 0,
        "FailuresBeforeWarning": 0,
        "GRPCService": "",
        "GRPCUseTLS": False,
        "Header": None,
        "InitialStatus": "",
        "Interval": 0,
        "Method": "",
        "Name": "",
        "Notes": "",
        "OnUpdate": "require_healthy",
        "Path": "",
        "PortLabel": "",
        "Protocol": "",
        "SuccessBeforePassing": 0,
        "TLSServerName": "",
        "TLSSkipVerify": False,
        "TaskName": "",
        "Timeout": 0,
        "Type": "",
    },
    {"port": "PortLabel", "task": "TaskName"},
    ("Interval", "Timeout"),
)

SERVICE = Shape(
    {
        "Address": "",
        "AddressMode": "auto",
        "CanaryMeta": None,
        "CanaryTags": None,
        "CheckRestart": None,
        "Checks": None,
        "Cluster": "default",
        "Connect": None,
        "EnableTagOverride": False,
        "Identity": None,
        "Kind": "",
        "Meta": None,
        "Name": "",
        "OnUpdate": "require_healthy",
        "PortLabel": "",
        "Provider": "consul",
        "TaggedAddresses": None,
        "Tags": None,
        "TaskName": "",
        "Weights": None,
    },
    {"port": "PortLabel", "task": "TaskName"},
)

RESOURCES = Shape(
    {
        "CPU": 100,
        "Cores": 0,
        "Devices": None,
        "DiskMB": None,
        "IOPS": None,
        "MemoryMB": 300,
        "MemoryMaxMB": None,
        "NUMA": None,
        "Networks": None,
        "SecretsMB": None,
    },
    {"memory": "MemoryMB", "memory_max": "MemoryMaxMB"},
)

LOGS = Shape(
    {"Disabled": False, "Enabled": None, "MaxFileSizeMB": 10, "MaxFiles": 10},
    {"max_file_size": "MaxFileSizeMB"},
)

CONSTRAINT = Shape(
    {"LTarget": "", "Operand": "=", "RTarget": ""},
    {"attribute": "LTarget", "value": "RTarget", "operator": "Operand"},
)

SPREAD = Shape({"Attribute": "", "SpreadTarget": None, "Weight": 50})

TASK = Shape(
    {
        "Actions": None,
        "Affinities": None,
        "Artifacts": None,
        "Config": None,
        "Constraints": None,
        "Consul": None,
        "DispatchPayload": None,
        "Driver": "",
        "Env": None,
        "Identities": None,
        "Identity": None,
        "KillSignal": "",
        "KillTimeout": 5 * SECOND,
        "Kind": "",
        "Leader": False,
        "Lifecycle": None,
        "LogConfig": None,
        "Meta": None,
        "Name": "",
        "Resources": None,
        "RestartPolicy": None,
        "ScalingPolicies": None,
        "Schedule": None,
        "Secrets": None,
        "Services": None,
        "ShutdownDelay": 0,
        "Templates": None,
        "User": "",
        "Vault": None,
        "VolumeMounts": None,
    },
    durations=("KillTimeout", "ShutdownDelay"),
)

GROUP = Shape(
    {
        "Affinities": None,
        "Constraints": None,
        "Consul": None,
        "Count": None,
        "Disconnect": None,
        "EphemeralDisk": None,
        "MaxClientDisconnect": None,
        "MaxRunDuration": None,
        "Meta": None,
        "Migrate": None,
        "Name": "",
        "Networks": None,
        "PreventRescheduleOnLost": None,
        "ReschedulePolicy": None,
        "RestartPolicy": None,
        "Scaling": None,
        "Services": None,
        "ShutdownDelay": None,
        "Spreads": None,
        "StopAfterClientDisconnect": None,
        "Tasks": None,
        "Update": None,
        "Volumes": None,
    },
    durations=("ShutdownDelay", "StopAfterClientDisconnect"),
)

JOB = Shape(
    {
        "Affinities": None,
        "AllAtOnce": False,
        "Constraints": None,
        "ConsulNamespace": "",
        "CreateIndex": 0,
        "Datacenters": None,
        "DispatchIdempotencyToken": None,
        "Dispatched": False,
        "ID": "",
        "JobModifyIndex": 0,
        "Meta": None,
        "Migrate": None,
        "ModifyIndex": 0,
        "Multiregion": None,
        "Name": "",
        "Namespace": "default",
        "NodePool": "",
        "NomadTokenID": "",
        "ParameterizedJob": None,
        "ParentID": "",
        "Payload": None,
        "Periodic": None,
        "Priority": 50,
        "Region": "global",
        "Reschedule": None,
        "Spreads": None,
        "Stable": False,
        "Status": "",
        "StatusDescription": "",
        "Stop": False,
        "SubmitTime": None,
        "TaskGroups": None,
        "Type": "service",
        "UI": None,
        "Update": None,
        "VaultNamespace": "",
        "Version": 0,
        "VersionTag": None,
    }
)
