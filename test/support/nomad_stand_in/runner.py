"""The life of one allocation on its host: directories, services, tasks, restarts in place, the way it is stopped."""

import asyncio
import random
import signal
from pathlib import Path

from . import consul, durations, task_events
from .interpolate import TaskEnvironment
from .process import Process
from .store import COMPLETE, FAILED, PENDING, RUNNING

SECOND = 10**9
REGISTERING_SECONDS = 1.0  # how long a stop waits for a registration that is under way
MAX_KILL_TIMEOUT = 30 * SECOND  # the default of a client's max_kill_timeout


class TaskRunner:
    def __init__(self, alloc, task, environment, directory, changed):
        self._alloc = alloc
        self.task = task
        self._environment = environment
        self._directory = directory
        self._changed = changed
        self.state = task_events.new_state()
        self.process = None
        self._restart_asked = False
        self._kill_asked = asyncio.Event()
        self._restarts = []

    def prepare(self):
        task_events.received(self.state)
        task_events.setup(self.state)
        base = Path(self._directory, self.task["Name"])
        for folder in ("local", "secrets", "tmp"):
            (base / folder).mkdir(parents=True, exist_ok=True)

    async def run(self):
        while not self._kill_asked.is_set():
            outcome = await self._run_once()
            self._changed()
            if self._kill_asked.is_set() or not await self._again(outcome):
                break
        task_events.dead(self.state)
        self._changed()

    async def _run_once(self):
        """Starts the process and waits for its end: (exit code, signal), or None when it could not be started."""
        config, fill = self.task["Config"], self._environment.fill
        argv = [fill(config["command"]), *(fill(argument) for argument in config.get("args") or [])]
        logs = Path(self._directory, "alloc", "logs")
        try:
            with open(logs / f"{self.task['Name']}.stdout.0", "ab") as out:
                with open(logs / f"{self.task['Name']}.stderr.0", "ab") as err:
                    where = Path(self._directory, self.task["Name"])
                    self.process = Process(argv, self._environment.process_environment(), where, out, err)
        except OSError as error:
            task_events.driver_failure(self.state, f"failed to launch command with executor: {error}")
            return None
        task_events.started(self.state)
        self._changed()
        code, number = await self.process.wait()
        task_events.terminated(self.state, code, number)
        return code, number

    async def _again(self, outcome):
        """Whether the task is to run again, after the delay that its restart policy asks for."""
        if self._restart_asked:
            self._restart_asked = False
            task_events.restarting(self.state, "", 0)
            return True
        policy = self.task["RestartPolicy"]
        reason = "Restart within policy"
        if policy["Attempts"] == 0:
            task_events.not_restarting(self.state, "Policy allows no restarts")
            return False
        now = asyncio.get_running_loop().time()
        interval = policy["Interval"] / SECOND
        self._restarts = [when for when in self._restarts if now - when < interval]
        delay = round(policy["Delay"] * random.uniform(1.0, 1.25))  # Nomad adds up to a quarter
        if len(self._restarts) >= policy["Attempts"]:
            shown = f"{policy['Attempts']} in interval {durations.show(policy['Interval'])}"
            reason = f'Exceeded allowed attempts {shown} and mode is "{policy["Mode"]}"'
            if policy["Mode"] == "fail":
                task_events.not_restarting(self.state, reason)
                return False
            delay = round((interval - (now - self._restarts[0])) * SECOND)
            self._restarts = []
        self._restarts.append(now)
        task_events.restarting(self.state, reason, delay)
        self._changed()
        try:
            await asyncio.wait_for(self._kill_asked.wait(), delay / SECOND)
            return False
        except asyncio.TimeoutError:
            return True

    async def stop(self):
        """The task's own shutdown delay, its kill signal, its kill timeout, SIGKILL."""
        self._kill_asked.set()
        if not self.process or not self.process.alive:
            return
        timeout = min(self.task["KillTimeout"], MAX_KILL_TIMEOUT)
        task_events.killing(self.state, timeout)
        self._changed()
        if self.task["ShutdownDelay"]:
            await asyncio.sleep(self.task["ShutdownDelay"] / SECOND)
        self.process.send(signal_number(self.task["KillSignal"] or "SIGINT"))
        if await self.process.wait(timeout / SECOND) is None:
            self.process.kill_group()
            await self.process.wait()
        task_events.killed(self.state)

    async def restart(self):
        task_events.restart_signaled(self.state, "User requested task to restart")
        self._restart_asked = True
        process = self.process
        process.send(signal_number(self.task["KillSignal"] or "SIGINT"))
        if await process.wait(min(self.task["KillTimeout"], MAX_KILL_TIMEOUT) / SECOND) is None:
            process.kill_group()

    def signal(self, name):
        task_events.signaling(self.state, name)
        self.process.send(signal_number(name))
        self._changed()


def signal_number(name):
    """ValueError for a name that is no signal."""
    try:
        return signal.Signals[name]
    except KeyError as error:
        raise ValueError(f"invalid signal {name!r}") from error


class AllocRunner:
    """Runs one allocation; `changed()` is called whenever what the servers should know is another."""

    def __init__(self, alloc, node, agent, directory, set_up_seconds, changed):
        self.alloc = alloc
        self._set_up_seconds = set_up_seconds
        self._agent = agent
        self._directory = directory
        self._changed = changed
        self.tasks = {}
        self._environments = {}
        for task in alloc.group["Tasks"]:
            environment = TaskEnvironment(alloc, node, task, directory)
            self._environments[task["Name"]] = environment
            self.tasks[task["Name"]] = TaskRunner(alloc, task, environment, directory, changed)
        self.services = consul.service_entries(alloc, self._environments)
        self._stopping = None
        self._registering = None
        self._prestart_abandoned = asyncio.Event()
        self.finished = asyncio.Event()
        self.main = None

    def start(self, previous_ended):
        self.main = asyncio.ensure_future(self._run(previous_ended))

    async def _run(self, previous_ended):
        """`previous_ended`: awaitable; a replacement stays pending until the one before it has ended (or is unknown)."""
        try:
            waits = [asyncio.ensure_future(previous_ended), asyncio.ensure_future(self._prestart_abandoned.wait())]
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            for one in waits:
                one.cancel()
            if self._prestart_abandoned.is_set():
                return
            for folder in ("data", "logs", "tmp"):
                Path(self._directory, "alloc", folder).mkdir(parents=True, exist_ok=True)
            for task in self.tasks.values():
                task.prepare()
            self._registering = asyncio.ensure_future(self._agent.register(self.services))
            self._changed()
            await self._set_up()
            await asyncio.gather(*(task.run() for task in self.tasks.values()))
            if not self._stopping:
                await self._deregister()
        finally:
            self.finished.set()
            self._changed()

    async def _set_up(self):
        """What takes Nomad's client its time before the first task: log collectors, the driver. A stop cuts it short."""
        try:
            await asyncio.wait_for(self._prestart_abandoned.wait(), self._set_up_seconds)
        except asyncio.TimeoutError:
            pass

    async def _deregister(self):
        if self._registering:  # one that is cut off in the middle might arrive after the deregistration
            await asyncio.wait([self._registering], timeout=REGISTERING_SECONDS)
            self._registering.cancel()
        await self._agent.deregister([service["ID"] for service in self.services])

    def stop(self):
        """Asks for the end: services leave Consul, the group's shutdown delay passes, then the tasks are stopped."""
        if not self._stopping and not self.finished.is_set():
            self._stopping = asyncio.ensure_future(self._stop())

    async def _stop(self):
        self._prestart_abandoned.set()
        if not self._registering:
            return
        await self._deregister()
        if self.alloc.group["ShutdownDelay"] and self._running():
            await asyncio.sleep(self.alloc.group["ShutdownDelay"] / SECOND)
        await asyncio.gather(*(task.stop() for task in self.tasks.values()))

    def _running(self):
        return any(task.process and task.process.alive for task in self.tasks.values())

    def kill(self):
        """At once and without a word, as when the machine dies."""
        for task in self.tasks.values():
            task._kill_asked.set()
            if task.process:
                task.process.kill_group()

    @property
    def status(self):
        """(client status, description) as the client would report them now."""
        states = [task.state for task in self.tasks.values()]
        if any(state["Failed"] for state in states) and all(state["State"] == "dead" for state in states):
            return FAILED, "Failed tasks"
        if self.finished.is_set() or all(state["State"] == "dead" for state in states):
            return COMPLETE, "All tasks have completed"
        if all(state["State"] == "running" for state in states):
            return RUNNING, "Tasks are running"
        return PENDING, "No tasks have started"

    def task_states(self):
        if not any(task.state["Events"] for task in self.tasks.values()):
            return None
        return {name: {**task.state, "Events": list(task.state["Events"])} for name, task in self.tasks.items()}
