"""`python -m nomad_stand_in`: see README.md beside this file."""

import argparse
import asyncio
import contextlib
import logging
import signal
import socket
import ssl
import sys
from dataclasses import dataclass, field

from aiohttp import web

from .acl import Acl, read_tokens
from .deployments import Deployments
from .drains import Drains
from .faults import Faults
from .host import Host
from .routes_allocs import AllocRoutes
from .routes_cluster import ClusterRoutes
from .routes_jobs import JobRoutes
from .scheduler import Scheduler
from .server import Api
from .store import Store, new_id

VERSIONS = ("2.0.5", "1.6.5")


@dataclass
class Options:
    version: str
    datacenter: str
    http_address: str
    port_range: tuple
    set_up_seconds: float
    signing_key: str = field(default_factory=new_id)

    @property
    def version_tuple(self):
        return tuple(int(part) for part in self.version.split("."))


def _arguments():
    parser = argparse.ArgumentParser(prog="nomad_stand_in", description="A double of Nomad that runs real processes.")
    parser.add_argument("--http-port", type=int, default=0, help="0: a free one; the first line of the output names it")
    parser.add_argument("--http-host", default="127.0.0.1")
    parser.add_argument("--consul-hosts", required=True, metavar="NAME=IP:PORT,...", help="one per host: its Consul agent")
    parser.add_argument("--data-dir", required=True, help="directories of allocations: DIR/<host>/alloc/<id>")
    parser.add_argument("--datacenter", default="dc1")
    parser.add_argument("--nomad-version", default=VERSIONS[0], choices=VERSIONS, help="whose answers to give")
    parser.add_argument("--acl-token-file", help="lines `SECRET management` or `SECRET operator`; none: no ACLs")
    parser.add_argument("--tls", metavar="CERT,KEY[,CLIENT-CA]", help="HTTPS; clients must have a certificate of CLIENT-CA")
    parser.add_argument("--unix-socket", metavar="PATH", help="serve there, too, without TLS: as inside a task")
    parser.add_argument("--port-range", default="20000-25999", metavar="LOW-HIGH", help="dynamic ports, on each host")
    parser.add_argument("--set-up-seconds", type=float, default=0.25, help="from an allocation's placement to its first task")
    return parser.parse_args()


def _tls(files):
    if not files:
        return None
    cert, key, *client_ca = files.split(",")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=client_ca[0] if client_ca else None)
    context.load_cert_chain(cert, key)
    context.verify_mode = ssl.CERT_REQUIRED if client_ca else ssl.CERT_NONE
    return context


async def _serve(arguments):
    store = Store()
    low, high = (int(part) for part in arguments.port_range.split("-"))
    acl = Acl(read_tokens(arguments.acl_token_file))
    faults = Faults(store)
    options = Options(arguments.nomad_version, arguments.datacenter, "", (low, high), arguments.set_up_seconds)
    api = Api(store, acl, faults, options.version_tuple)

    server = web.Server(api.handle, access_log=None)  # no access log: blocking queries would fill the disk
    runner = web.ServerRunner(server)
    await runner.setup()
    listener = socket.create_server((arguments.http_host, arguments.http_port))
    options.http_address = "%s:%d" % listener.getsockname()

    hosts = []
    try:
        for pair in arguments.consul_hosts.split(","):
            name, _, address = pair.partition("=")
            hosts.append(Host(store, name, address, arguments.data_dir, options))
            await hosts[-1].open()
        deployments = Deployments(store)
        scheduler = Scheduler(store, hosts, deployments, options.version_tuple)
        deployments.scheduler = scheduler
        Drains(store, scheduler)
        store.listen(lambda _, changed: _follow_up(scheduler, changed))
        JobRoutes(api, store, scheduler, deployments, options.version_tuple)
        AllocRoutes(api, store, hosts, scheduler, deployments, options.signing_key)
        ClusterRoutes(api, store, scheduler, acl, options, hosts[0].name)
        faults.add_routes(api, hosts, scheduler)
        await web.SockSite(runner, listener, ssl_context=_tls(arguments.tls)).start()
        if arguments.unix_socket:
            await web.UnixSite(runner, arguments.unix_socket).start()
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        print(f"ready {'https' if arguments.tls else 'http'}://{options.http_address}", flush=True)
        await stop.wait()
    finally:
        for host in hosts:  # all at once before the first one stops, for one's end is the other's replacement
            host.connected = False
        await asyncio.gather(*(host.close() for host in hosts))
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(runner.cleanup(), 2)


def _follow_up(scheduler, changed):
    """What a client reports may ask for something: a replacement, the next step of an update, the end of a drain."""
    for alloc in changed.get("allocs", ()):
        if alloc.client_terminal or (alloc.deployment_status or {}).get("Healthy") is not None:
            scheduler.evaluate(alloc.job_id)


def main():
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(message)s")
    asyncio.run(_serve(_arguments()))


main()
