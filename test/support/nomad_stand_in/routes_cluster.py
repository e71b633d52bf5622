"""The agent, the servers, nodes and variables."""

from . import task_events, views
from .routes_jobs import _require_uuid
from .server import Answer, Refusal, listed, read_json
from .store import new_id, now_ns

NO_TIME = "0001-01-01T00:00:00Z"


class ClusterRoutes:
    def __init__(self, api, store, scheduler, acl, options, agent_name):
        self._api = api
        self._store = store
        self._scheduler = scheduler
        self._acl = acl
        self._options = options
        self._agent_name = agent_name
        self._server_id = new_id()
        api.route("/v1/agent/self", GET=self._agent)
        api.route("/v1/agent/health", GET=self._health)
        api.route("/v1/status/leader", GET=self._leader)
        api.route("/v1/acl/token/self", GET=self._token)
        api.route("/v1/regions", GET=self._regions)
        api.route("/v1/namespaces", GET=self._namespaces)
        api.route("/v1/operator/autopilot/health", GET=self._autopilot)
        api.route("/v1/nodes", GET=self._nodes)
        api.route("/v1/node/{}", GET=self._node)
        api.route("/v1/node/{}/drain", PUT=self._drain)
        api.route("/v1/node/{}/eligibility", PUT=self._eligibility)
        api.route("/v1/vars", GET=self._variables)
        api.route("/v1/var/{*}", GET=self._variable, PUT=self._put_variable, DELETE=self._delete_variable)

    async def _agent(self, request):
        options = self._options
        host, port = options.http_address.rsplit(":", 1)
        config = {
            "ACL": {
                "Enabled": self._acl.enabled,
                "PolicyTTL": 30 * 10**9,
                "ReplicationToken": "",
                "RoleTTL": 30 * 10**9,
                "TokenMaxExpirationTTL": 0,
                "TokenMinExpirationTTL": 0,
                "TokenTTL": 30 * 10**9,
            },
            "BindAddr": host,
            "Datacenter": options.datacenter,
            "EnableDebug": False,
            "NodeName": self._agent_name,
            "Region": "global",
            "Version": {
                "BuildDate": None,
                "Revision": "",
                "Version": options.version,
                "VersionMetadata": "stand-in",
                "VersionPrerelease": "",
            },
        }
        tags = {
            "bootstrap": "1",
            "build": options.version,
            "dc": options.datacenter,
            "expect": "1",
            "id": self._server_id,
            "port": port,
            "raft_vsn": "3",
            "region": "global",
            "revision": "",
            "role": "nomad",
            "rpc_addr": host,
            "vsn": "1",
        }
        member = {
            "Addr": host,
            "DelegateCur": 4,
            "DelegateMax": 5,
            "DelegateMin": 2,
            "Name": f"{self._agent_name}.global",
            "Port": int(port),
            "ProtocolCur": 2,
            "ProtocolMax": 5,
            "ProtocolMin": 1,
            "Status": "alive",
            "Tags": tags,
        }
        return Answer({"config": config, "member": member, "stats": {}})

    async def _health(self, request):
        return Answer({"client": {"message": "ok", "ok": True}, "server": {"message": "ok", "ok": True}})

    async def _leader(self, request):
        return Answer(self._options.http_address)

    async def _token(self, request):
        role = self._acl.role(request)
        if role is None:
            raise Refusal(400, "ACL support disabled")
        management = role == "management"
        shown = {
            "AccessorID": self._server_id,
            "CreateIndex": 1,
            "CreateTime": task_events.timestamp(),
            "ExpirationTTL": "",
            "ExpirationTime": None,
            "Global": management,
            "Hash": "",
            "ModifyIndex": 1,
            "Name": role,
            "Policies": None if management else [role],
            "Roles": None,
            "SecretID": "hidden",
            "Type": "management" if management else "client",
        }
        return Answer(shown, index=1)

    async def _regions(self, request):
        return Answer(["global"])

    async def _namespaces(self, request):
        empty = "Capabilities ConsulConfiguration Meta NodePoolConfiguration OptionalExtraClaims RequiredExtraClaims "
        empty += "VaultConfiguration"
        namespace = {
            **{name: None for name in empty.split()},
            "CreateIndex": 1,
            "Description": "Default shared namespace",
            "Hash": "",
            "ModifyIndex": 1,
            "Name": "default",
            "Quota": "",
        }
        return Answer([namespace], index=1)

    async def _autopilot(self, request):
        server = {
            "Address": self._options.http_address,
            "Healthy": True,
            "ID": self._server_id,
            "LastContact": "0s",
            "LastIndex": self._store.index,
            "LastTerm": 2,
            "Leader": True,
            "Name": f"{self._agent_name}.global",
            "SerfStatus": "alive",
            "StableSince": task_events.timestamp(),
            "Version": self._options.version,
            "Voter": True,
        }
        shown = {"FailureTolerance": 0, "Healthy": True, "Servers": [server]}
        if self._options.version_tuple >= (1, 8):
            shown.update(Leader=self._server_id, Voters=[self._server_id])
        return Answer(shown)

    # Nodes.

    async def _nodes(self, request):
        def look():
            stubs = [views.node_stub(node) for _, node in sorted(self._store.nodes.items())]
            return Answer(listed(request, stubs), index=self._store.table_index("nodes"))

        return await self._api.blocking(request, look)

    async def _node(self, request, node_id):
        _require_uuid(node_id, "node")

        def look():
            node = self._store.nodes.get(node_id)
            if node is None:
                return Answer("node not found", 404, self._store.table_index("nodes"))
            return Answer(node, index=node["ModifyIndex"])

        return await self._api.blocking(request, look)

    def _known(self, node_id):
        _require_uuid(node_id, "node")
        node = self._store.nodes.get(node_id)
        if node is None:
            raise Refusal(500, "node not found")
        return node

    def _event(self, node, message):
        event = {
            "CreateIndex": self._store.index + 1,
            "Details": None,
            "Message": message,
            "Subsystem": "Drain",
            "Timestamp": task_events.timestamp(),
        }
        node["Events"] = [*node["Events"], event][-10:]

    async def _drain(self, request, node_id):
        body = await read_json(request)
        node = self._known(node_id)
        spec = body.get("DrainSpec")
        second = task_events.timestamp(now_ns() // 10**9 * 10**9)
        if spec:
            deadline, started = int(spec.get("Deadline") or 0), now_ns()
            node["Drain"], node["SchedulingEligibility"] = True, "ineligible"
            node["DrainStrategy"] = {
                "Deadline": deadline,
                "ForceDeadline": task_events.timestamp(started + deadline) if deadline > 0 else NO_TIME,
                "IgnoreSystemJobs": bool(spec.get("IgnoreSystemJobs")),
                "StartedAt": task_events.timestamp(started),
            }
            node["LastDrain"] = {
                "AccessorID": "token:acls-disabled",
                "Meta": body.get("Meta"),
                "StartedAt": second,
                "Status": "draining",
                "UpdatedAt": second,
            }
            self._event(node, "Node drain strategy set")
        else:
            if node["Drain"] and node["LastDrain"]:
                node["LastDrain"].update(Status="canceled", UpdatedAt=second)
            node["Drain"], node["DrainStrategy"] = False, None
            if body.get("MarkEligible"):
                node["SchedulingEligibility"] = "eligible"
            self._event(node, "Node drain strategy unset")
        return self._changed(node, told=not spec)

    async def _eligibility(self, request, node_id):
        body = await read_json(request)
        node = self._known(node_id)
        wanted = body.get("Eligibility")
        if wanted not in ("eligible", "ineligible"):
            raise Refusal(500, f'invalid scheduling eligibility "{wanted}"')
        if node["Drain"] and wanted == "eligible":
            raise Refusal(500, "can not set node's scheduling eligibility to eligible while it is draining")
        node["SchedulingEligibility"] = wanted
        return self._changed(node)

    def _changed(self, node, told=False):
        index = self._store.commit(nodes=[node])
        self._scheduler.evaluate_all()
        evals = [new_id()] if told and self._options.version_tuple < (2, 0) else None
        shown = {"EvalCreateIndex": 0, "EvalIDs": evals, "Index": index, "NodeModifyIndex": index}
        return Answer(shown, index=index, read=False)

    # Variables.

    async def _variables(self, request):
        def look():
            prefix = request.query.get("prefix", "")
            found = [
                {name: value for name, value in record.items() if name != "Items"}
                for path, record in sorted(self._store.variables.items())
                if path.startswith(prefix)
            ]
            return Answer(found, index=self._store.table_index("variables"))

        return await self._api.blocking(request, look)

    async def _variable(self, request, path):
        def look():
            record = self._store.variables.get(path)
            if record is None:
                return Answer("variable not found", 404, self._store.table_index("variables"))
            return Answer(record, index=record["ModifyIndex"])

        return await self._api.blocking(request, look)

    def _conflict(self, request, path):
        old = self._store.variables.get(path)
        if "cas" in request.query and int(request.query["cas"]) != (old["ModifyIndex"] if old else 0):
            empty = {"CreateIndex": 0, "CreateTime": 0, "Items": None, "ModifyIndex": 0, "ModifyTime": 0}
            shown = old or {**empty, "Namespace": "default", "Path": path}
            return Answer(shown, 409, self._store.table_index("variables"), read=False)
        return None

    async def _put_variable(self, request, path):
        body = await read_json(request)
        conflict = self._conflict(request, path)
        if conflict:
            return conflict
        if not body.get("Items"):
            raise Refusal(400, "variable missing required Items object")
        old = self._store.variables.get(path)
        record = {
            "CreateIndex": old["CreateIndex"] if old else 0,
            "CreateTime": old["CreateTime"] if old else now_ns(),
            "Items": body["Items"],
            "ModifyIndex": 0,
            "ModifyTime": now_ns(),
            "Namespace": "default",
            "Path": path,
        }
        record["CreateTime"] = record["CreateTime"] if old else record["ModifyTime"]
        self._store.variables[path] = record
        index = self._store.commit(variables=[record])
        if not old:
            record["CreateTime"] = record["ModifyTime"]
        return Answer(record, index=index, read=False)

    async def _delete_variable(self, request, path):
        conflict = self._conflict(request, path)
        if conflict:
            return conflict
        self._store.variables.pop(path, None)
        index = self._store.commit(variables=[])
        return Answer("", 204, index, read=False)
