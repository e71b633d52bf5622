"""Task states and their events, in the words of Nomad's client."""

from datetime import datetime, timezone

from . import durations
from .store import now_ns

BLANK = {
    "Details": {},
    "DiskLimit": 0,
    "DisplayMessage": "",
    "DownloadError": "",
    "DriverError": "",
    "DriverMessage": "",
    "ExitCode": 0,
    "FailedSibling": "",
    "FailsTask": False,
    "GenericSource": "",
    "KillError": "",
    "KillReason": "",
    "KillTimeout": 0,
    "Message": "",
    "RestartReason": "",
    "SetupError": "",
    "Signal": 0,
    "StartDelay": 0,
    "TaskSignal": "",
    "TaskSignalReason": "",
    "Time": 0,
    "Type": "",
    "ValidationError": "",
    "VaultError": "",
}
KEPT_EVENTS = 10  # Nomad keeps the ten newest


def timestamp(nanoseconds=None):
    """RFC 3339 in UTC with nanoseconds, as Go writes it."""
    seconds, rest = divmod(now_ns() if nanoseconds is None else nanoseconds, 10**9)
    fraction = f".{rest:09d}".rstrip("0").rstrip(".")
    return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S") + fraction + "Z"


def new_state():
    return {
        "Events": [],
        "Failed": False,
        "FinishedAt": None,
        "LastRestart": None,
        "Paused": "",
        "Restarts": 0,
        "StartedAt": None,
        "State": "pending",
    }


def add(state, kind, message, details=None, **fields):
    event = {**BLANK, "Type": kind, "DisplayMessage": message, "Details": details or {}, "Time": now_ns(), **fields}
    state["Events"] = [*state["Events"], event][-KEPT_EVENTS:]
    return event


def received(state):
    add(state, "Received", "Task received by client")


def setup(state):
    text = "Building Task Directory"
    add(state, "Task Setup", text, {"message": text}, Message=text)


def started(state):
    event = add(state, "Started", "Task started by client")
    state.update(State="running", StartedAt=timestamp(event["Time"]))


def driver_failure(state, text):
    add(state, "Driver Failure", text, {"driver_error": text}, DriverError=text)


def terminated(state, code, signal):
    details = {"exit_code": str(code), "signal": str(signal), "oom_killed": "false"}
    text = f"Exit Code: {code}" + (f", Signal: {signal}" if signal else "")
    add(state, "Terminated", text, details, ExitCode=code, Signal=signal)


def restarting(state, reason, delay):
    details = {"restart_reason": reason, "start_delay": str(delay)}
    text = f"Task restarting in {durations.show(delay)}"
    event = add(state, "Restarting", text, details, RestartReason=reason, StartDelay=delay)
    state.update(State="pending", Restarts=state["Restarts"] + 1, LastRestart=timestamp(event["Time"]))


def not_restarting(state, reason):
    details = {"restart_reason": reason, "fails_task": "true"}
    add(state, "Not Restarting", reason, details, RestartReason=reason, FailsTask=True)
    state["Failed"] = True


def restart_signaled(state, reason):
    add(state, "Restart Signaled", reason, {"restart_reason": reason}, RestartReason=reason)


def signaling(state, name):
    add(state, "Signaling", "Task being sent a signal", {"signal": name}, TaskSignal=name)


def killing(state, timeout):
    text = f"Sent interrupt. Waiting {durations.show(timeout)} before force killing"
    add(state, "Killing", text, {"kill_timeout": durations.show(timeout)}, KillTimeout=timeout)


def killed(state):
    add(state, "Killed", "Task successfully killed")


def dead(state):
    state.update(State="dead", FinishedAt=timestamp())
