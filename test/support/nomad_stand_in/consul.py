"""The local Consul agent of one host: what Nomad's client does with it."""

import asyncio
import hashlib
import os
import ssl

import aiohttp


class ConsulAgent:
    def __init__(self, address):
        self.address = address
        self._session = None
        token = os.environ.get("CONSUL_HTTP_TOKEN", "")
        self._headers = {"X-Consul-Token": token} if token else {}
        ca = os.environ.get("CONSUL_CACERT", "")
        self._tls = ssl.create_default_context(cafile=ca) if ca else None

    async def open(self):
        timeout = aiohttp.ClientTimeout(total=5)
        scheme, connector = ("https", aiohttp.TCPConnector(ssl=self._tls)) if self._tls else ("http", None)
        self._session = aiohttp.ClientSession(
            f"{scheme}://{self.address}", timeout=timeout, headers=self._headers, connector=connector
        )

    async def close(self):
        if self._session:
            await self._session.close()

    async def describe(self):
        """The agent's own name, datacenter and version. Raises when there is no agent."""
        async with self._session.get("/v1/agent/self") as answer:
            answer.raise_for_status()
            return (await answer.json())["Config"]

    async def register(self, services):
        await self._insist([("/v1/agent/service/register", service) for service in services])

    async def deregister(self, service_ids):
        await self._insist([(f"/v1/agent/service/deregister/{one}", None) for one in service_ids], attempts=2)

    async def _insist(self, requests, attempts=None):
        """Nomad's client repeats until the agent answers; with a bound only where a stop must go on."""
        for path, body in requests:
            attempt = 0
            while True:
                attempt += 1
                try:
                    async with self._session.put(path, json=body) as answer:
                        if answer.status in (200, 404) or (attempts and attempt >= attempts):
                            break
                except (aiohttp.ClientError, asyncio.TimeoutError, OSError):
                    if attempts and attempt >= attempts:
                        break
                await asyncio.sleep(min(0.2 * attempt, 2.0))

    async def checks(self):
        """The agent's checks as {service id: [status]}; None when it cannot be asked."""
        try:
            async with self._session.get("/v1/agent/checks") as answer:
                if answer.status != 200:
                    return None
                found = {}
                for check in (await answer.json()).values():
                    found.setdefault(check["ServiceID"], []).append(check["Status"])
                return found
        except (aiohttp.ClientError, asyncio.TimeoutError, OSError):
            return None


def service_entries(alloc, environments):
    """The registrations of an allocation's services; `environments` by task name, any of them for the group's own."""
    entries = []
    first = next(iter(environments.values()))
    for service in alloc.group["Services"] or []:
        entries.append(_entry(alloc, f"group-{alloc.group['Name']}", service, first))
    for task in alloc.group["Tasks"]:
        for service in task["Services"] or []:
            entries.append(_entry(alloc, task["Name"], service, environments[task["Name"]]))
    return [entry for entry in entries if entry]


def _entry(alloc, owner, service, environment):
    if service["Provider"] != "consul":
        return None
    name, label = environment.fill(service["Name"]), service["PortLabel"]
    address, port = _endpoint(alloc, label)
    entry = {
        "ID": f"_nomad-task-{alloc.id}-{owner}-{name}-{label}",
        "Name": name,
        "Tags": [environment.fill(tag) for tag in service["Tags"] or []],
        "EnableTagOverride": service["EnableTagOverride"],
        "Meta": {**environment.fill_map(service["Meta"]), "external-source": "nomad"},
        "Checks": [],
    }
    if port:
        entry.update(Address=environment.fill(service["Address"]) or address, Port=port)
    for check in service["Checks"] or []:
        entry["Checks"].append(_check(alloc, entry, check, environment, label))
    return entry


def _endpoint(alloc, label):
    if label.isdigit():
        return alloc.ports[0]["HostIP"] if alloc.ports else "", int(label)
    return next(((port["HostIP"], port["Value"]) for port in alloc.ports if port["Label"] == label), ("", 0))


def _check(alloc, entry, check, environment, label):
    address, port = _endpoint(alloc, check["PortLabel"] or label)
    name = environment.fill(check["Name"])
    text = f"{entry['ID']}|{name}|{check['Type']}|{address}:{port}|{check['Path']}"
    result = {
        "CheckID": f"_nomad-check-{hashlib.sha256(text.encode()).hexdigest()}",
        "Name": name,
        "Interval": f"{check['Interval']}ns",
        "Timeout": f"{check['Timeout']}ns",
        "Status": check["InitialStatus"] or "critical",
    }
    if check["Type"] == "tcp":
        result["TCP"] = f"{address}:{port}"
    else:
        scheme = check["Protocol"] or "http"
        result["HTTP"] = f"{scheme}://{address}:{port}{environment.fill(check['Path'])}"
        result["Method"] = check["Method"] or "GET"
        result["TLSSkipVerify"] = check["TLSSkipVerify"]
    return result
