"""A job file to the JSON that Nomad's API works with (`POST /v1/jobs/parse`, canonicalized)."""

import json

from . import durations, hcl, shapes

# With the types of job that have the block when it is not written.
DEFAULTED = (("Update", shapes.UPDATE, ("service", "system")), ("Migrate", shapes.MIGRATE, ("service",)))


def parse_job(text, variables=""):
    """The job as canonical JSON. Raises hcl.HclError with Nomad's wording."""
    file = hcl.parse(text)
    for block in file.blocks:
        if block.kind not in ("job", "variable", "locals"):
            raise _unexpected_block(block)
    jobs = file.only("job")
    if len(jobs) != 1 or len(jobs[0].labels) != 1:
        raise hcl.HclError("input.hcl: Missing job block; A job block is required")
    return _Reader(hcl.Scope(file, variables)).job(jobs[0])


def _unexpected_block(block):
    return hcl.HclError(
        f"input.hcl:{block.line}: Unsupported block type; Blocks of type {json.dumps(block.kind)} are not expected here."
    )


def _label(block):
    if len(block.labels) != 1:
        raise hcl.HclError(f"input.hcl:{block.line}: Missing name for {block.kind}; One label is needed.")
    return block.labels[0]


class _Reader:
    def __init__(self, scope):
        self._scope = scope

    def _values(self, body):
        return {name: self._scope.evaluate(tree) for name, tree in body.attributes.items()}

    def _fill(self, shape, block, base=None, ignore=()):
        """The fields of a block from its attributes; words that the shape does not know are refused."""
        record = shape.fresh() if base is None else dict(base)
        for word, value in self._values(block.body).items():
            name = shape.field_for(word)
            if name is None:
                raise hcl.HclError(
                    f"input.hcl:{block.line}: Unsupported argument; An argument named {json.dumps(word)} is not expected "
                    f"here (block {json.dumps(block.kind)})."
                )
            if name in shape.durations and isinstance(value, str):
                try:
                    value = durations.parse(value)
                except ValueError as error:
                    raise hcl.HclError(f"input.hcl:{block.line}: Unsuitable duration value; {word}: {error}") from error
            record[name] = value
        for inner in block.body.blocks:
            if inner.kind not in ignore:
                raise _unexpected_block(inner)
        return record

    def _map(self, body, kind):
        """A block of free names (`meta {}`), or an attribute with a map; None when absent."""
        result = {}
        if kind in body.attributes:
            result.update(self._scope.evaluate(body.attributes[kind]))
        for block in body.only(kind):
            result.update(self._values(block.body))
        return {name: hcl._to_text(value) for name, value in result.items()} or None

    def _one(self, body, kind, shape, default=None):
        blocks = body.only(kind)
        return self._fill(shape, blocks[-1]) if blocks else default

    def _many(self, body, kind, shape):
        return [self._fill(shape, block) for block in body.only(kind)] or None

    def _constraints(self, body):
        """`operator = "distinct_hosts"` and the short words for it come out alike."""
        found = []
        for block in body.only("constraint"):
            words = self._values(block.body)
            short = {key: words.pop(key) for key in ("distinct_hosts", "regexp", "version", "semver") if key in words}
            record = shapes.CONSTRAINT.fresh()
            for word, value in words.items():
                record[shapes.CONSTRAINT.field_for(word) or _refuse(block, word)] = hcl._to_text(value)
            for key, value in short.items():
                record["Operand"], record["RTarget"] = key, hcl._to_text(value)
            found.append(record)
        return found or None

    def job(self, block):
        inner = ("group", "meta", "update", "migrate", "reschedule", "constraint", "spread")
        attributes = dict(block.body.attributes)
        attributes.pop("meta", None)
        trimmed = hcl.Block(block.kind, block.labels, hcl.Body(attributes, block.body.blocks), block.line)
        job = self._fill(shapes.JOB, trimmed, ignore=inner)
        job["ID"] = job["ID"] or _label(block)
        job["Name"] = job["Name"] or job["ID"]
        job["Datacenters"] = job["Datacenters"] or ["*"]
        body = block.body
        job["Meta"] = self._map(body, "meta")
        job["Constraints"] = self._constraints(body)
        job["Spreads"] = self._many(body, "spread", shapes.SPREAD)
        job["Reschedule"] = self._one(body, "reschedule", shapes.RESCHEDULE)
        for name, shape, types in DEFAULTED:
            default = shape.fresh() if job["Type"] in types else None
            job[name] = self._one(body, name.lower(), shape, default)
        job["TaskGroups"] = [self._group(inner, job) for inner in body.only("group")] or None
        return job

    def _group(self, block, job):
        known = "constraint disconnect ephemeral_disk meta migrate network reschedule restart scaling service spread task update"
        attributes = dict(block.body.attributes)
        attributes.pop("meta", None)
        trimmed = hcl.Block(block.kind, block.labels, hcl.Body(attributes, block.body.blocks), block.line)
        group = self._fill(shapes.GROUP, trimmed, ignore=known.split())
        body = block.body
        group["Name"] = _label(block)
        group["Meta"] = self._map(body, "meta")
        group["Constraints"] = self._constraints(body)
        group["Spreads"] = self._many(body, "spread", shapes.SPREAD)
        group["Disconnect"] = self._one(body, "disconnect", shapes.DISCONNECT)
        group["EphemeralDisk"] = self._one(body, "ephemeral_disk", shapes.EPHEMERAL_DISK, shapes.EPHEMERAL_DISK.fresh())
        group["RestartPolicy"] = self._one(body, "restart", shapes.RESTART, shapes.RESTART.fresh())
        default = job["Reschedule"] or shapes.RESCHEDULE.fresh()
        group["ReschedulePolicy"] = self._one(
            body, "reschedule", shapes.RESCHEDULE, default if job["Type"] == "service" else None
        )
        for name, shape, _ in DEFAULTED:
            blocks = body.only(name.lower())
            group[name] = self._fill(shape, blocks[-1], base=job[name]) if blocks else job[name] and dict(job[name])
        group["Scaling"] = self._one(body, "scaling", shapes.SCALING)
        if group["Count"] is None:
            group["Count"] = (group["Scaling"] or {}).get("Min") or 1
        if group["Scaling"] and group["Scaling"]["Min"] is None:
            group["Scaling"]["Min"] = group["Count"]
        group["Networks"] = [self._network(inner) for inner in body.only("network")] or None
        group["Services"] = [self._service(inner, job, group) for inner in body.only("service")] or None
        group["Tasks"] = [self._task(inner, job, group) for inner in body.only("task")] or None
        return group

    def _network(self, block):
        network = self._fill(shapes.NETWORK, block, ignore=("port",))
        for inner in block.body.only("port"):
            port = self._fill(shapes.PORT, inner)
            port["Label"] = _label(inner)
            kind = "ReservedPorts" if port["Value"] else "DynamicPorts"
            network[kind] = [*(network[kind] or []), port]
        return network

    def _service(self, block, job, group, task=""):
        attributes = dict(block.body.attributes)
        for free in ("meta", "canary_meta", "tagged_addresses"):
            attributes.pop(free, None)
        trimmed = hcl.Block(block.kind, block.labels, hcl.Body(attributes, block.body.blocks), block.line)
        service = self._fill(shapes.SERVICE, trimmed, ignore=("check", "meta", "canary_meta", "tagged_addresses"))
        service["Meta"] = self._map(block.body, "meta")
        service["CanaryMeta"] = self._map(block.body, "canary_meta")
        service["TaggedAddresses"] = self._map(block.body, "tagged_addresses")
        service["Checks"] = [self._check(inner, service) for inner in block.body.only("check")] or None
        service["Name"] = service["Name"] or "-".join(filter(None, (job["Name"], group["Name"], task)))
        return service

    def _check(self, block, service):
        check = self._fill(shapes.CHECK, block, ignore=("header", "check_restart"))
        if block.body.blocks:
            raise _unexpected_block(block.body.blocks[0])
        check["Name"] = check["Name"] or f'service: "{service["Name"]}" check'
        return check

    def _task(self, block, job, group):
        known = "config constraint env logs meta resources restart service"
        attributes = dict(block.body.attributes)
        for free in ("meta", "env"):
            attributes.pop(free, None)
        trimmed = hcl.Block(block.kind, block.labels, hcl.Body(attributes, block.body.blocks), block.line)
        task = self._fill(shapes.TASK, trimmed, ignore=known.split())
        body = block.body
        task["Name"] = _label(block)
        configs = body.only("config")
        task["Config"] = self._values(configs[-1].body) if configs else None
        task["Env"] = self._map(body, "env")
        task["Meta"] = self._map(body, "meta")
        task["Constraints"] = self._constraints(body)
        task["LogConfig"] = self._one(body, "logs", shapes.LOGS, shapes.LOGS.fresh())
        task["Resources"] = self._one(body, "resources", shapes.RESOURCES, shapes.RESOURCES.fresh())
        own = body.only("restart")
        task["RestartPolicy"] = self._fill(shapes.RESTART, own[-1], base=group["RestartPolicy"]) if own else dict(
            group["RestartPolicy"]
        )
        task["Services"] = [self._service(inner, job, group, task["Name"]) for inner in body.only("service")] or None
        return task


def _refuse(block, word):
    raise hcl.HclError(
        f"input.hcl:{block.line}: Unsupported argument; An argument named {json.dumps(word)} is not expected here."
    )
