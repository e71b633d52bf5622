"""One real process: started in its own group, killed with the stand-in, its end known at once."""

import asyncio
import ctypes
import os
import signal
import subprocess

_LIBC = ctypes.CDLL(None, use_errno=True)
_PR_SET_PDEATHSIG = 1


def _die_with(parent):
    """Run in the child: SIGKILL when the stand-in ends, however it ends, so that no test leaves servers behind."""

    def prepare():
        os.setsid()
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:  # it was gone before the request was made
            os._exit(127)

    return prepare


class Process:
    def __init__(self, argv, environment, directory, stdout, stderr):
        """Raises OSError when the program cannot be started."""
        self._child = subprocess.Popen(
            argv,
            env=environment,
            cwd=directory,
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            preexec_fn=_die_with(os.getpid()),
        )
        self.pid = self._child.pid
        loop = asyncio.get_running_loop()
        self.ended = loop.create_future()
        self._descriptor = os.pidfd_open(self.pid)
        loop.add_reader(self._descriptor, self._reap)

    def _reap(self):
        asyncio.get_running_loop().remove_reader(self._descriptor)
        os.close(self._descriptor)
        code = self._child.wait()
        if not self.ended.done():
            self.ended.set_result((128 - code, -code) if code < 0 else (code, 0))

    @property
    def alive(self):
        return not self.ended.done()

    def send(self, number):
        """To the process itself, which cannot have been replaced: it is not reaped before `ended` is set."""
        if self.alive:
            self._child.send_signal(number)

    def kill_group(self):
        if self.alive:
            try:
                os.killpg(self.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass

    async def wait(self, seconds=None):
        """(exit code, signal) as Nomad counts them, None when the process still runs after `seconds`."""
        try:
            return await asyncio.wait_for(asyncio.shield(self.ended), seconds)
        except asyncio.TimeoutError:
            return None
