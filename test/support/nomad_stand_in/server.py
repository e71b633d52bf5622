"""The HTTP side: routes, blocking queries, headers and errors as a Nomad agent has them."""

import asyncio
import json
import random
import re
from dataclasses import dataclass
from urllib.parse import unquote

from aiohttp import web

from . import durations, filters, views

DEFAULT_WAIT, MAX_WAIT = 300.0, 300.0
JITTER_FRACTION = 16
SMALL = 2048  # Go sends answers up to this size with a length, larger ones in chunks


@dataclass
class Answer:
    """What a handler says. `index`: of the data, for X-Nomad-Index; `read`: also the headers of a query."""

    body: object = ""
    status: int = 200
    index: int | None = None
    read: bool = True


class Refusal(Exception):
    def __init__(self, status, text):
        super().__init__(text)
        self.status = status
        self.text = text


class Api:
    """Finds the handler for a request; handlers are called with (request, *path parts)."""

    def __init__(self, store, acl, faults, version):
        self._store = store
        self._acl = acl
        self._faults = faults
        self._version = version
        self._routes = []

    def route(self, pattern, **handlers):
        """`route("/v1/job/{}/scale", GET=..., POST=...)`; a handler gets the unquoted parts of the path.

        A `{}` matches one segment, `{*}` the rest of the path.
        """
        expression = re.escape(pattern).replace(r"\{\}", "([^/]+)").replace(r"\{\*\}", "(.+)")
        self._routes.append((re.compile(expression + "/?"), handlers))

    async def handle(self, request):
        """The one entry of aiohttp's server."""
        try:
            fault = self._faults.for_request(request)
            if fault == "drop":
                request.transport.abort()
                return web.Response()
            answer = fault or await self._dispatch(request)
        except Refusal as refusal:
            answer = Answer(refusal.text, refusal.status)
        if answer is None:  # the connection was dropped, or the handler has streamed its answer
            return web.Response()
        if isinstance(answer, web.StreamResponse):
            return answer
        return self._respond(answer)

    async def _dispatch(self, request):
        path = request.rel_url.raw_path
        for expression, handlers in self._routes:
            match = expression.fullmatch(path)
            if not match:
                continue
            handler = handlers.get("PUT" if request.method == "POST" and "POST" not in handlers else request.method)
            if handler is None and request.method == "PUT":
                handler = handlers.get("POST")
            self._acl.check(request, path)
            if handler is None:
                raise Refusal(405, "Invalid method")
            if request.query.get("region", "global") != "global":
                raise Refusal(500, "No path to region")
            return await handler(request, *(unquote(part) for part in match.groups()))
        return Answer("", 404)

    def _respond(self, answer):
        headers = {}
        is_text = isinstance(answer.body, str) and answer.status != 200
        if is_text:
            data = answer.body.encode()
            if data:
                headers["Content-Type"] = "text/plain; charset=utf-8"
        else:
            shown = views.for_version(answer.body, self._version)
            data = json.dumps(shown, separators=(",", ":"), ensure_ascii=False).encode()
            headers["Content-Type"] = "application/json" if answer.status == 200 else "text/plain; charset=utf-8"
        if answer.index is not None:
            headers["X-Nomad-Index"] = str(answer.index)
            if answer.read:
                headers["X-Nomad-Knownleader"] = "true"
                headers["X-Nomad-Lastcontact"] = "0"
        response = web.Response(status=answer.status, headers=headers, body=data)
        if not data:
            response.headers.popall("Content-Type", None)
        if len(data) > SMALL:
            response.enable_chunked_encoding()
        return response

    async def blocking(self, request, look):
        """Answers when `look()`, which returns an Answer with an index, has a newer one than the request names."""
        minimum, seconds = _query_options(request)
        if not minimum:
            return look()
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds + random.uniform(0, seconds / JITTER_FRACTION)
        generation = self._faults.generation
        while True:
            answer = look()
            remaining = deadline - loop.time()
            if answer.index > minimum or remaining <= 0:
                return answer
            await self._store.changed(remaining)
            if self._faults.generation != generation:  # the agent went away while the request was waiting
                request.transport.abort()
                return None
            if self._faults.spurious_wakeups:
                return look()


def _query_options(request):
    wait, index = request.query.get("wait", ""), request.query.get("index", "")
    seconds = DEFAULT_WAIT
    if wait:
        try:
            seconds = durations.parse(wait) / 10**9
        except ValueError as error:
            raise Refusal(400, "Invalid wait time") from error
    if index and not re.fullmatch(r"\d+", index):
        raise Refusal(400, "Invalid index")
    return int(index or 0), min(seconds, MAX_WAIT) if seconds > 0 else DEFAULT_WAIT


def listed(request, records):
    """`namespace`, `prefix`, `filter` and paging of a list, applied to records as they will be shown."""
    if request.query.get("namespace", "default") not in ("default", "*"):
        return []
    prefix = request.query.get("prefix", "")
    records = [record for record in records if record["ID"].startswith(prefix)]
    text = request.query.get("filter", "")
    if text:
        try:
            records = filters.apply(text, records)
        except filters.FilterError as error:
            text = f"failed to create result paginator: failed to read filter expression: {error}"
            raise Refusal(400, text) from error
    return records


async def read_json(request):
    """The body, decoded; errors in Go's words."""
    text = (await request.read()).decode("utf-8", "replace")
    if not text.strip():
        raise Refusal(400, "EOF")
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        if error.pos >= len(text):
            raise Refusal(400, "unexpected EOF") from error
        where = "object key string" if "property name" in error.msg else "value"
        raise Refusal(400, f"invalid character '{text[error.pos]}' looking for beginning of {where}") from error
