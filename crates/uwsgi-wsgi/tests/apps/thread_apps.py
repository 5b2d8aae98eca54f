"""Applications with threads, locks and child processes."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterable
from wsgiref.types import StartResponse

from registry import Environ, Gate, answer, answer_json, report, valid

_lock = threading.Lock()
_local = threading.local()
_running = 0
_most = 0
_counter = 0


@valid
def overlap(_: Environ, start_response: StartResponse) -> Iterable[bytes]:
    """Answers with the largest number of calls that ran at the same time until now."""
    global _running, _most
    with _lock:
        _running += 1
        _most = max(_most, _running)
    # A call must last, so that others can overlap with it.
    time.sleep(0.02)
    with _lock:
        _running -= 1
    return answer(start_response, str(_most))


@valid
def count(_: Environ, start_response: StartResponse) -> Iterable[bytes]:
    """Counts under a lock, with a switch of threads inside."""
    global _counter
    with _lock:
        seen = _counter
        time.sleep(0)
        _counter = seen + 1
        return answer(start_response, str(_counter))


@valid
def identity(_: Environ, start_response: StartResponse) -> Iterable[bytes]:
    """Answers with the thread, and with how many requests its thread-local values have lived for."""
    _local.count = getattr(_local, "count", 0) + 1
    if not hasattr(_local, "token"):
        _local.token = os.urandom(8).hex()
    thread = threading.current_thread()
    return answer_json(
        start_response,
        {
            "ident": thread.ident,
            "native": thread.native_id,
            "token": _local.token,
            "count": _local.count,
            "is main": thread is threading.main_thread(),
            # A thread that Python does not know is a `_DummyThread`.
            "class": type(thread).__name__,
        },
    )


@valid
def identity_with_wait(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    time.sleep(0.003)
    return identity(environ, start_response)


@valid
def wait(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    """Waits at the gate."""
    gate = Gate(environ)
    report(environ, "waiting")
    gate.wait()
    return answer(start_response, b"waited")


@valid
def sleep(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    time.sleep(float(environ["HTTP_X_SECONDS"]))
    return answer(start_response, b"slept")


@valid
def fork(_: Environ, start_response: StartResponse) -> Iterable[bytes]:
    """Forks and executes another program, as `subprocess` does, but in the plain way."""
    out, into = os.pipe()
    child = os.fork()
    if child == 0:
        os.dup2(into, 1)
        os.execv(sys.executable, [sys.executable, "-c", "print('from the child')"])
    os.close(into)
    with open(out, "rb") as pipe:
        said = pipe.read()
    ended = os.waitpid(child, 0)[1]
    return answer(start_response, said + f"status {os.waitstatus_to_exitcode(ended)}".encode())


@valid
def child_process(_: Environ, start_response: StartResponse) -> Iterable[bytes]:
    """Runs a program that tells which signals it blocks and ignores, and which descriptors it has inherited."""
    code = """if True:
        import os, signal
        def is_open(descriptor):
            try:
                return bool(os.fstat(descriptor))
            except OSError:
                return False  # This was the descriptor of the listing itself.
        print(sorted(int(number) for number in signal.pthread_sigmask(signal.SIG_BLOCK, [])))
        print(signal.getsignal(signal.SIGTERM) == signal.SIG_DFL)
        print(sorted(int(name) for name in os.listdir("/proc/self/fd") if is_open(int(name))))
    """
    # Without `close_fds`, only what is marked close-on-exec stays behind.
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, close_fds=False)
    return answer(start_response, done.stdout)


@valid
def child_ends_by_sigterm(_: Environ, start_response: StartResponse) -> Iterable[bytes]:
    """A child process of the application must be one that SIGTERM ends."""
    child = subprocess.Popen([sys.executable, "-c", "print('up', flush=True); import time; time.sleep(60)"], stdout=-1)
    assert child.stdout
    child.stdout.readline()
    child.terminate()
    status = child.wait(10)
    child.stdout.close()
    return answer(start_response, str(status))


@valid
def thread(_: Environ, start_response: StartResponse) -> Iterable[bytes]:
    """Starts threads and waits for them."""
    done: list[int] = []
    threads = [threading.Thread(target=done.append, args=(number,)) for number in range(10)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    return answer(start_response, str(sorted(done)))


@valid
def background(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    """Starts a thread that goes on after the answer, and tells of each of its steps."""

    def work() -> None:
        for number in range(5):
            # The thread must give the processor away between its steps, and wake again while the server is idle.
            time.sleep(0.01)
            report(environ, f"step {number}")

    threading.Thread(target=work, daemon=True).start()
    return answer(start_response, b"started")


@valid
def busy(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    """Computes in Python, without a wait, for X-Seconds."""
    end = time.monotonic() + float(environ["HTTP_X_SECONDS"])
    steps = 0
    while time.monotonic() < end:
        steps += 1
    return answer(start_response, b"computed")


@valid
def memory(_: Environ, start_response: StartResponse) -> Iterable[bytes]:
    """Answers with the resident memory of the process, in bytes."""
    with open("/proc/self/statm", encoding="ascii") as file:
        pages = int(file.read().split()[1])
    return answer(start_response, str(pages * os.sysconf("SC_PAGE_SIZE")))


@valid
def spin(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    """Starts daemon threads that never end: two compute, and two sleep."""

    def compute() -> None:
        number = 0
        while True:
            number += 1

    def rest() -> None:
        while True:
            time.sleep(0.001)

    for work in (compute, rest, compute, rest):
        threading.Thread(target=work, daemon=True).start()
    report(environ, "spinning")
    return answer(start_response, b"started")


@valid
def own_thread(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    """Starts a thread that is not a daemon, and ends when the gate opens."""
    gate = Gate(environ)

    def work() -> None:
        gate.wait()
        report(environ, "own thread has ended")

    # A thread inherits from the thread that makes it whether it is a daemon. The threads of the server are not daemons.
    threading.Thread(target=work).start()
    return answer(start_response, b"started")


@valid
def asyncio_run(_: Environ, start_response: StartResponse) -> Iterable[bytes]:
    """Runs an event loop inside of a request, as frameworks do for asynchronous views."""
    # A third of the time of all other imports, and only this application needs it.
    import asyncio

    async def one(number: int) -> int:
        await asyncio.sleep(0.001)
        return number

    async def together() -> list[int]:
        return list(await asyncio.gather(*(one(number) for number in range(5))))

    return answer(start_response, str(asyncio.run(together())))


@valid
def daemon(_: Environ, start_response: StartResponse) -> Iterable[bytes]:
    """Leaves a child process behind, which keeps all descriptors that it may inherit."""
    subprocess.Popen(
        [sys.executable, "-c", "import time; time.sleep(5)"], close_fds=False, stdin=-3, stdout=-3, stderr=-3
    )
    return answer(start_response, b"forked")
