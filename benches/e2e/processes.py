"""Programs that are started for a measurement, and how much processor time and memory they use."""

import os
import pathlib
import shlex
import shutil
import signal
import socket
import subprocess
import time
from typing import NamedTuple

TICK = os.sysconf("SC_CLK_TCK")


class Side(NamedTuple):
    """One side of a comparison behind nginx."""

    argv: list | None  # the command of its program; None means the program of the side before
    where: str | int  # the path or the port that the program listens at
    location: str  # a location of nginx
    more: str = ""  # more lines for nginx, outside of the server
    load: tuple = ()  # more arguments for wrk


def found(name):
    """Returns the command line of a program, from the environment or the PATH."""
    told = os.environ.get(variable(name)) or os.environ.get(f"UWSGI_PEER_{variable(name)}", "")
    argv = shlex.split(told) or [name]
    path = shutil.which(argv[0], path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")
    if not path:
        raise Missing(name, argv[0])
    return [path, *argv[1:]]


def variable(name):
    """Returns the environment variable that says where a program is."""
    return name.upper().replace("-", "_")


class Missing(Exception):
    def __init__(self, name, program):
        super().__init__(f"{program} is missing: install it, or say where it is with {variable(name)}=...")


def reachable(where):
    """Returns whether something listens at a path, or at a port of this machine."""
    kind, address = (socket.AF_UNIX, where) if isinstance(where, str) else (socket.AF_INET, ("127.0.0.1", where))
    with socket.socket(kind) as s:
        s.settimeout(1)
        return s.connect_ex(address) == 0


class Program:
    """A program with all its processes. It is stopped at the end of a `with`."""

    def __init__(self, name, argv, where, run):
        self.name = name
        self.log = pathlib.Path(run, f"{name}.log".replace(" ", "-"))
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=run,
                                            preexec_fn=os.setpgrp)
        end = time.monotonic() + 15
        while not reachable(where):
            if self.process.poll() is not None or time.monotonic() > end:
                self.stop()
                raise SystemExit(f"{name} did not start: {' '.join(argv)}\n{self.log.read_text(errors='replace')[-2000:]}")
            time.sleep(0.05)    # a pause between two looks

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                pass
        try:
            os.killpg(self.process.pid, signal.SIGKILL)     # the processes of its group that are left
        except ProcessLookupError:
            pass
        self.process.wait()

    def pids(self):
        """Returns the ids of the program's process and of its descendants."""
        children = {}
        for path in pathlib.Path("/proc").glob("[0-9]*/stat"):
            try:
                children.setdefault(int(stat(path)[1]), []).append(int(path.parent.name))
            except OSError:
                continue
        found, new = [], [self.process.pid]
        while new:
            found += new
            new = [child for parent in new for child in children.get(parent, [])]
        return found

    def cpu(self):
        """Returns the seconds of processor time so far, including children that have ended."""
        ticks = 0
        for pid in self.pids():
            try:
                ticks += sum(int(field) for field in stat(f"/proc/{pid}/stat")[11:15])
            except OSError:
                continue
        return ticks / TICK

    def memory(self):
        """Returns two numbers of MiB: the resident sets of the processes, and their proportional sets, in which shared memory
        counts once."""
        rss = pss = 0
        for pid in self.pids():
            try:
                for line in open(f"/proc/{pid}/smaps_rollup"):
                    name, _, rest = line.partition(":")
                    if name == "Rss":
                        rss += int(rest.split()[0])
                    elif name == "Pss":
                        pss += int(rest.split()[0])
            except OSError:
                continue
        return rss / 1024, pss / 1024


def stat(path):
    """Returns the fields of proc_pid_stat(5) after the name, which may contain any character. The first one is the state."""
    return pathlib.Path(path).read_text().rpartition(")")[2].split()
