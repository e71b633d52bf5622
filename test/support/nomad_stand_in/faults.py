"""Faults on demand, under /test: errors, dropped connections, spurious wake-ups, hosts that vanish and come back."""

import asyncio
import re
import time
from dataclasses import dataclass

from .server import Answer, Refusal, read_json
from .store import now_ns


@dataclass
class Rule:
    path: re.Pattern
    action: object  # an Answer, or "drop"
    left: int
    until: float

    def applies(self, path):
        return self.left > 0 and time.monotonic() < self.until and self.path.search(path) is not None


class Faults:
    def __init__(self, store):
        self._store = store
        self._rules = []
        self.generation = 0
        self.spurious_wakeups = False

    def for_request(self, request):
        """The answer that a fault gives in place of the real one, None when there is none."""
        path = request.rel_url.path_qs
        if path.startswith("/test/"):
            return None
        for rule in self._rules:
            if rule.applies(path):
                rule.left -= 1
                return rule.action
        return None

    def add_routes(self, api, hosts, scheduler):
        self._hosts = {host.name: host for host in hosts}
        self._scheduler = scheduler
        api.route("/test/fail", POST=self._fail)
        api.route("/test/drop", POST=self._drop)
        api.route("/test/drop-waiting", POST=self._drop_waiting)
        api.route("/test/spurious-wakeups", POST=self._spurious)
        api.route("/test/clear", POST=self._clear)
        api.route("/test/host/{}/{}", POST=self._host)
        api.route("/test/tasks", GET=self._tasks)

    def _rule(self, body, action):
        seconds = body.get("seconds", 3600)
        pattern = re.compile(body.get("path", "^/v1/"))
        self._rules.append(Rule(pattern, action, body.get("count", 10**9), time.monotonic() + seconds))
        return Answer({})

    async def _fail(self, request):
        """{"status", "text" or "json", "index", "path", "count", "seconds"}"""
        body = await read_json(request)
        content = body.get("json", body.get("text", "No cluster leader"))
        return self._rule(body, Answer(content, body.get("status", 500), body.get("index")))

    async def _drop(self, request):
        """{"path", "count", "seconds"}: the connection is closed without an answer"""
        return self._rule(await read_json(request), "drop")

    async def _drop_waiting(self, request):
        """Cuts every blocking query that is waiting now."""
        self.generation += 1
        self._store.wake_all()
        return Answer({})

    async def _spurious(self, request):
        """{"on": bool}: blocking queries return after any change anywhere, with the same body and index"""
        self.spurious_wakeups = bool((await read_json(request)).get("on", True))
        return Answer({})

    async def _clear(self, request):
        self._rules.clear()
        self.spurious_wakeups = False
        return Answer({})

    async def _host(self, request, name, action):
        """disconnect: the agent dies, tasks live on. connect: it is back. kill: the machine dies with its tasks."""
        host = self._hosts.get(name)
        if host is None:
            raise Refusal(404, "no such host")
        body = await read_json(request) if request.can_read_body else {}
        if action == "connect":
            self._set_status(host, "ready")
            host.connect()
        elif action in ("disconnect", "kill"):
            host.disconnect()
            if action == "kill":
                host.kill_everything()
            heartbeat = body.get("heartbeat_seconds", 1.0)
            asyncio.get_running_loop().call_later(heartbeat, self._missed, host)
        else:
            raise Refusal(404, "connect, disconnect or kill")
        return Answer({})

    def _missed(self, host):
        if not host.connected:
            self._set_status(host, "down")

    def _set_status(self, host, status):
        host.node["Status"] = status
        host.node["StatusUpdatedAt"] = now_ns() // 10**9
        self._store.commit(nodes=[host.node])
        self._scheduler.evaluate_all()

    async def _tasks(self, request):
        """The processes, so that a test can kill one by its pid."""
        found = []
        for host in self._hosts.values():
            for alloc_id, runner in host.runners.items():
                for task in runner.tasks.values():
                    if task.process and task.process.alive:
                        found.append(
                            {"alloc": alloc_id, "task": task.task["Name"], "host": host.name, "pid": task.process.pid}
                        )
        return Answer(found)
