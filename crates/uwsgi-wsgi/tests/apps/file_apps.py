"""Applications that return `wsgi.file_wrapper`. The files are made at the first use."""

from __future__ import annotations

import gzip
import io
import os
import tempfile
import threading
from collections.abc import Callable, Iterable
from typing import IO, Any
from wsgiref.types import StartResponse

from registry import TEXT, Application, Environ, Headers, answer, breaking, report

SMALL = b"".join(b"line %d of the file\n" % number for number in range(500))
# A prime number in the length of a period, so that no block of a usual size looks as another.
LARGE = bytes(range(251)) * 120_001

CONTENTS = {"small": lambda: SMALL, "large": lambda: LARGE, "empty": lambda: b"", "gzip": lambda: gzip.compress(SMALL)}
_directory = tempfile.TemporaryDirectory(prefix="uwsgi-wsgi-files-")
_lock = threading.Lock()


def path_of(name: str) -> str:
    """Returns the path of a file with this content. The first call makes it."""
    path = os.path.join(_directory.name, name)
    with _lock:
        if not os.path.exists(path):
            with open(path, "wb") as file:
                file.write(CONTENTS[name]())
    return path


class Watched:
    """A file-like object around a file, which tells when it is closed. It has only the methods that are given."""

    def __init__(self, environ: Environ, file: IO[bytes], *methods: str) -> None:
        self._environ = environ
        self._file = file
        for method in methods:
            setattr(self, method, getattr(file, method))

    def read(self, size: int = -1) -> bytes:
        return self._file.read(size)

    def close(self) -> None:
        self._file.close()
        report(self._environ, "file closed")


class WatchedFile(io.FileIO):
    """A real file that tells when it is closed, with its path."""

    environ: Environ | None = None

    def close(self) -> None:
        environ, self.environ = self.environ, None
        super().close()
        if environ is not None:
            report(environ, "file closed")


def watched_file(environ: Environ, path: str) -> io.BufferedReader:
    raw = WatchedFile(path, "rb")
    raw.environ = environ
    return io.BufferedReader(raw)


def moved(file: Any, position: int) -> Any:
    file.seek(position)
    return file


def after_reading(file: Any, count: int) -> Any:
    """The position of the descriptor is now behind that of the buffered file."""
    assert len(file.read(count)) == count
    return file


def pipe_with(content: bytes) -> IO[bytes]:
    """A pipe has a descriptor, but no position and no size."""
    out, into = os.pipe()
    os.write(into, content)
    os.close(into)
    return open(out, "rb")


def without_close(content: bytes) -> Any:
    class Reader:
        def __init__(self) -> None:
            self.read = io.BytesIO(content).read

    return Reader()


_made: list[Any] = []


FILES: dict[str, Callable[[Environ], Any]] = {
    "small": lambda environ: open(path_of("small"), "rb"),
    "large": lambda environ: open(path_of("large"), "rb"),
    "empty": lambda environ: open(path_of("empty"), "rb"),
    "at-position": lambda environ: moved(open(path_of("small"), "rb"), 1000),
    "at-end": lambda environ: moved(open(path_of("small"), "rb"), len(SMALL)),
    "past-end": lambda environ: moved(open(path_of("small"), "rb"), len(SMALL) + 100),
    "after-reading": lambda environ: after_reading(open(path_of("small"), "rb"), 10),
    "watched-file": lambda environ: watched_file(environ, path_of("small")),
    "watched-large": lambda environ: watched_file(environ, path_of("large")),
    "unbuffered": lambda environ: after_reading(io.FileIO(path_of("small")), 10),
    "bytesio": lambda environ: moved(io.BytesIO(SMALL), 100),
    "read-only": lambda environ: Watched(environ, open(path_of("small"), "rb")),
    # These have the descriptor of a file, but their bytes are others: only `read` gives them.
    "gzip": lambda environ: gzip.open(path_of("gzip")),
    "watched-with-fileno": lambda environ: Watched(environ, open(path_of("small"), "rb"), "fileno", "tell", "seek"),
    "pipe": lambda environ: pipe_with(SMALL),
    "temporary": lambda environ: temporary(),
    "spooled": lambda environ: spooled(),
    "without-close": lambda environ: without_close(SMALL),
    "closed": lambda environ: closed(),
}


def temporary() -> IO[bytes]:
    file = tempfile.NamedTemporaryFile()
    file.write(SMALL)
    file.seek(50)
    return file  # type: ignore[return-value]


def spooled() -> Any:
    file = tempfile.SpooledTemporaryFile(max_size=100_000)
    file.write(SMALL)
    file.seek(50)
    return file


def closed() -> IO[bytes]:
    file = open(path_of("small"), "rb")
    file.close()
    return file


def registered(name: str) -> Callable[[Application], Application]:
    def register(application: Application) -> Application:
        application.__name__ = f"file/{name}"
        return breaking(application)

    return register


# The server must see the wrapper itself, so that no validator can stand around these.


@registered("wrapped")
def file_wrapped(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    """Returns the file X-File, with the Content-Length and the block size of the headers."""
    headers: Headers = list(TEXT)
    if length := environ.get("HTTP_X_LENGTH"):
        headers.append(("Content-Length", length))
    start_response(environ.get("HTTP_X_STATUS", "200 OK"), headers)
    file = FILES[environ["HTTP_X_FILE"]](environ)
    _made.append(file)
    return environ["wsgi.file_wrapper"](file, int(environ.get("HTTP_X_BLOCK", 8192)))  # type: ignore[no-any-return]


@registered("are-closed")
def file_are_closed(_: Environ, start_response: StartResponse) -> Iterable[bytes]:
    """Tells whether all files of `file/wrapped` are closed, as far as they can tell, and forgets them."""
    states = [getattr(file, "closed", True) for file in _made]
    _made.clear()
    return answer(start_response, str(all(states)))


@registered("moved-later")
def file_moved_later(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    """The position counts at the time when the sending begins (PEP 3333, file handling)."""
    start_response("200 OK", list(TEXT))
    file = open(path_of("small"), "rb")
    wrapper = environ["wsgi.file_wrapper"](file)
    file.seek(2000)
    return wrapper  # type: ignore[no-any-return]


@registered("after-write")
def file_after_write(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    start_response("200 OK", list(TEXT))(b"written first\n")
    return environ["wsgi.file_wrapper"](watched_file(environ, path_of("small")))  # type: ignore[no-any-return]


@registered("iterated")
def file_iterated(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    """A middleware that changes what it gets: the wrapper is an iterable of blocks."""
    start_response("200 OK", list(TEXT))
    wrapper = environ["wsgi.file_wrapper"](watched_file(environ, path_of("small")), 1000)
    try:
        blocks = list(wrapper)
    finally:
        wrapper.close()
    report(environ, f"blocks of {sorted({len(block) for block in blocks[:-1]})} bytes")
    return [block.upper() for block in blocks]


@registered("not-returned")
def file_not_returned(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    """A wrapper that is made and not returned sends nothing (PEP 3333, file handling)."""
    environ["wsgi.file_wrapper"](watched_file(environ, path_of("small"))).close()
    return answer(start_response, b"another answer")


@registered("methods")
def file_methods(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    """The methods of a file that frameworks use of the wrapper, as Werkzeug does for ranges."""
    wrapper = environ["wsgi.file_wrapper"](io.BytesIO(b"0123456789"), 4)
    found = [str(wrapper.seekable())]
    wrapper.seek(3)
    found.append(str(wrapper.tell()))
    found.append(str(next(iter(wrapper))))
    found.append(str(wrapper.tell()))
    wrapper.close()
    return answer(start_response, " ".join(found))


@registered("not-a-file")
def file_not_a_file(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    start_response("200 OK", list(TEXT))
    return environ["wsgi.file_wrapper"](object())  # type: ignore[no-any-return]
