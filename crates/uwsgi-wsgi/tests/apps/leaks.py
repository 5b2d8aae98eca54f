"""Requests of many kinds, and a page that counts what they have left in the process."""

from __future__ import annotations

import gc
import io
import os
import sys
from collections.abc import Iterable, Iterator
from typing import Any
from wsgiref.types import StartResponse

from registry import Environ, Headers, answer_json

BODY = b"a body that is longer than one that Python keeps for ever"
PIECE = b"x" * 65536
LARGE = b"y" * (1 << 20)
HEADERS: Headers = [
    ("Content-Type", "text/plain; charset=utf-8"),
    ("X-One", "a value of a header"),
    ("X-Two", "another value"),
]
STATUS = "200 A reason of its own"
PATH = os.path.abspath(__file__)
_closed = 0
_kept: dict[str, object] = {}


class Pieces:
    """An iterator that counts its calls of `close`. Some of its pieces are empty."""

    def __init__(self, count: int) -> None:
        self._pieces = iter([b"", BODY, b""] + [PIECE] * count)

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        return next(self._pieces)

    def close(self) -> None:
        global _closed
        _closed += 1


def generator(count: int) -> Iterator[bytes]:
    global _closed
    try:
        yield BODY
        for _ in range(count):
            yield PIECE
    finally:
        _closed += 1


def failing() -> Iterator[bytes]:
    yield BODY
    raise RuntimeError("the application fails on purpose")


def counts(environ: Environ, start_response: StartResponse) -> dict[str, Any]:
    """Returns the numbers that must not grow with the number of requests."""
    for _ in range(3):
        gc.collect()
    shared: dict[str, object] = {
        "None": None,
        "True": True,
        "an empty string": "",
        "the application": app,
        "the body": BODY,
        "the piece": PIECE,
        "the large body": LARGE,
        "the headers": HEADERS,
        "a value": HEADERS[1][1],
        "the status": STATUS,
        "the type of the input": type(environ["wsgi.input"]),
        "the type of the errors": type(environ["wsgi.errors"]),
        "the type of start_response": type(start_response),
        "a key of environ": "REQUEST_METHOD",
    }
    return {
        "references": {name: sys.getrefcount(value) for name, value in shared.items()},
        "objects": len(gc.get_objects()),
        "blocks": sys.getallocatedblocks(),
        "descriptors": len(os.listdir("/proc/self/fd")),
        "threads": len(os.listdir("/proc/self/task")),
        "resident": int(open("/proc/self/statm").read().split()[1]) * os.sysconf("SC_PAGE_SIZE"),
        "closed": _closed,
    }


def app(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    match environ["PATH_INFO"]:
        case "/counts":
            return answer_json(start_response, counts(environ, start_response))
        case "/raise":
            raise RuntimeError("the application fails on purpose")
        case "/exit":
            raise SystemExit(3)
        case "/none":
            return None  # type: ignore[return-value]
        case "/read":
            body = environ["wsgi.input"]
            body.readline()
            body.read(10)
            list(body)
    write = start_response(STATUS, HEADERS)
    match environ["PATH_INFO"]:
        case "/large":
            return [LARGE]
        case "/pieces":
            return Pieces(3)
        case "/endless":
            return Pieces(1000)
        case "/generator":
            return generator(1000)
        case "/fail":
            return failing()
        case "/exc_info":
            try:
                raise RuntimeError("the application fails on purpose")
            except RuntimeError:
                start_response("500 An error", HEADERS, sys.exc_info())
        case "/write":
            write(BODY)
            write(PIECE)
        case "/file":
            return environ["wsgi.file_wrapper"](open(PATH, "rb"), 8192)  # type: ignore[no-any-return]
        case "/memory_file":
            return environ["wsgi.file_wrapper"](io.BytesIO(PIECE))  # type: ignore[no-any-return]
        case "/keep":
            # The objects of a request live until the next one, and hold each other.
            environ["self"] = environ
            _kept.update(environ=environ, input=environ["wsgi.input"], write=write, start_response=start_response)
    return [BODY]
