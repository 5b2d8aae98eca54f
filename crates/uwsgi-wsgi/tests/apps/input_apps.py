"""Applications that read the body of the request."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from typing import Any
from wsgiref.types import StartResponse

from registry import Environ, answer, answer_json, breaking, report, valid


def play(stream: Any, calls: list[list[Any]]) -> list[Any]:
    """Calls the methods of a stream, and returns what they return as values of JSON. The tests do the same with io.BytesIO."""
    results: list[Any] = []
    for method, *args in calls:
        match method:
            case "iterate":
                results.append([line.decode("latin-1") for line in stream])
            case "next":
                results.append(next(iter(stream), b"").decode("latin-1"))
            case "readinto":
                buffer = bytearray(args[0])
                count = stream.readinto(buffer)
                results.append([count, buffer[:count].decode("latin-1")])
            case "readlines":
                results.append([line.decode("latin-1") for line in stream.readlines(*args)])
            case _:
                data = getattr(stream, method)(*args)
                assert type(data) is bytes, f"{method} returned {data!r}"
                results.append(data.decode("latin-1"))
    return results


# These applications use more of the stream than the validator lets through: read without a size, and readinto.


@breaking
def calls(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    """Plays the calls of the header X-Calls."""
    return answer_json(start_response, play(environ["wsgi.input"], json.loads(environ["HTTP_X_CALLS"])))


@valid
def digest(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    """Reads the whole body in pieces, and answers with its length and its SHA-256."""
    found, length = hashlib.sha256(), 0
    while piece := environ["wsgi.input"].read(65_536):
        found.update(piece)
        length += len(piece)
    return answer(start_response, f"{length} {found.hexdigest()}")


@valid
def echo(environ: Environ, start_response: StartResponse) -> Iterator[bytes]:
    """Gives each piece of the body back before it reads the next."""
    start_response("200 OK", [("Content-Type", "application/octet-stream")])
    while piece := environ["wsgi.input"].read(10_000):
        yield piece


@breaking
def until_error(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    """Reads with the method of X-Method until the body ends, and reports how it ended."""
    stream = environ["wsgi.input"]
    report(environ, "called")
    try:
        match environ["HTTP_X_METHOD"]:
            case "read":
                stream.read()
            case "read(1000)":
                while stream.read(1000):
                    pass
            case "readline":
                while stream.readline():
                    pass
            case "readlines":
                stream.readlines()
            case "iterate":
                for _ in stream:
                    pass
            case "readinto":
                buffer = bytearray(1000)
                while stream.readinto(buffer):
                    pass
            case unknown:
                raise LookupError(unknown)
    except OSError as error:
        report(environ, f"OSError: {error}")
        raise
    report(environ, "the body ended without an error")
    return answer(start_response, b"read")


@valid
def unread(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    """Answers without a look at the body."""
    return answer(start_response, b"not read")


_kept: list[Any] = []


@breaking
def keep_input(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    """Keeps the stream after the end of its request."""
    _kept[:] = [environ["wsgi.input"]]
    return answer(start_response, b"kept")


@breaking
def read_kept(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    """Reads the stream of an earlier request, by each method, and answers with the names of the exceptions."""
    names = []
    for method, args in (
        ("read", [3]),
        ("read", []),
        ("readline", []),
        ("readlines", []),
        ("readinto", [bytearray(3)]),
    ):
        try:
            names.append(f"{method}: {getattr(_kept[0], method)(*args)!r}")
        except Exception as error:
            names.append(f"{method}: {type(error).__name__}")
    return answer(start_response, "\n".join(names))
