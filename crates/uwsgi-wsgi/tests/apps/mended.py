"""Applications for the faults that were found in use: each did something that a server must bear."""

from __future__ import annotations

import io
import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

Environ = dict[str, Any]
StartResponse = Callable[..., Callable[[bytes], object]]

LONG = 300_000


def plain(start_response: StartResponse, body: bytes, length: int | None = None) -> Iterable[bytes]:
    headers = [("Content-Type", "text/plain")]
    if length is not None:
        headers.append(("Content-Length", str(length)))
    start_response("200 OK", headers)
    return [body]


def read_elsewhere(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    """Raises an exception while another thread waits in a read."""
    begun = threading.Event()

    def read() -> None:
        begun.set()
        try:
            environ["wsgi.input"].read()
        except OSError:
            pass

    threading.Thread(target=read).start()
    begun.wait()
    time.sleep(0.2)  # The thread has to be inside of the read, and nothing tells that it is.
    raise ValueError("the application failed beside a read")


def write_elsewhere(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    """Returns while another thread waits in write()."""
    write = start_response("200 OK", [("Content-Type", "text/plain")])
    begun = threading.Event()

    def send() -> None:
        begun.set()
        try:
            write(b"x" * 50_000_000)
        except OSError:
            pass

    threading.Thread(target=send).start()
    begun.wait()
    time.sleep(0.2)  # As above.
    return []


def child_exits(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    child = os.fork()
    if child == 0:
        sys.exit(3)
    _, status = os.waitpid(child, 0)
    return plain(start_response, str(os.waitstatus_to_exitcode(status)).encode())


def child_returns(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    child = os.fork()
    if child:
        os.waitpid(child, 0)
    return plain(start_response, b"one answer")


def child_stays(environ: Environ, start_response: StartResponse) -> Iterator[bytes]:
    """The child holds the socket of the connection while it sleeps."""
    child = os.fork()
    if child == 0:
        time.sleep(5)
        os._exit(0)
    start_response("200 OK", [("Content-Type", "text/plain")])
    yield b"whole"


def read_again(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    """Reads again after a failed read."""
    results = []
    for _ in range(2):
        try:
            while environ["wsgi.input"].read(100_000):
                pass
            results.append("the end")
        except OSError as error:
            results.append("OSError")
    print(f"read again: {results}", file=environ["wsgi.errors"])
    return plain(start_response, b"read")


class FailingClose:
    def __init__(self) -> None:
        self.chunks = iter([b"x" * LONG])

    def __iter__(self) -> FailingClose:
        return self

    def __next__(self) -> bytes:
        return next(self.chunks)

    def close(self) -> None:
        raise ValueError("close failed")


def close_fails(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    plain(start_response, b"", LONG)
    return FailingClose()


def too_long(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    return plain(start_response, b"x" * LONG + b"more", LONG)


def written_too_long(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    write = start_response("200 OK", [("Content-Length", str(LONG))])
    write(b"x" * LONG + b"more")
    return []


def raises_at_the_end(environ: Environ, start_response: StartResponse) -> Iterator[bytes]:
    start_response("200 OK", [("Content-Length", str(LONG))])
    yield b"x" * LONG
    raise ValueError("after the last byte")


def text_input(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    with io.TextIOWrapper(io.BufferedReader(environ["wsgi.input"]), "utf-8") as text:
        return plain(start_response, text.read().upper().encode())


def surrogate(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    raise ValueError("\ud800 is not a character")


def file_without_length(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    start_response("200 OK", [("Content-Type", "text/plain")])
    wrapped: Iterable[bytes] = environ["wsgi.file_wrapper"](open("/proc/self/comm", "rb"))
    return wrapped


def file_too_short(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    file = tempfile.TemporaryFile()
    file.write(b"short")
    file.seek(0)
    start_response("200 OK", [("Content-Length", "100")])
    wrapped: Iterable[bytes] = environ["wsgi.file_wrapper"](file)
    return wrapped


def own_error(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    """Raises an error of its own after a failed read."""
    try:
        environ["wsgi.input"].read()
    except OSError:
        pass
    with open("/missing"):
        return []


def slow(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    time.sleep(0.02)  # The work of the application.
    return plain(start_response, b"slow", 4)


def log(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    print(environ["HTTP_X_TEXT"], file=environ["wsgi.errors"])
    return plain(start_response, b"logged", 6)


def app(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    chosen: Callable[[Environ, StartResponse], Iterable[bytes]] = globals()[environ["PATH_INFO"].strip("/") or "slow"]
    return chosen(environ, start_response)
