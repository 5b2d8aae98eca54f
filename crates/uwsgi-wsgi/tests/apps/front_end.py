"""The application of the tests behind nginx."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs
from wsgiref.types import StartResponse
from wsgiref.validate import validator

from registry import Environ, Gate, answer, answer_json, report

LARGE = bytes(number % 251 for number in range(1 << 20))


def error(start_response: StartResponse, status: int, **more: str) -> list[bytes]:
    body = json.dumps({"error": status, **more}).encode()
    start_response(f"{status} {HTTPStatus(status).phrase}", [("Content-Type", "application/json")])
    return [body]


def read_all(environ: Environ) -> bytes:
    """Reads the body in pieces, without a look at CONTENT_LENGTH."""
    return b"".join(iter(lambda: environ["wsgi.input"].read(65536), b""))


def strings(environ: Environ) -> dict[str, str]:
    return {key: value for key, value in environ.items() if isinstance(value, str)}


def declared(length: str, size: int, start_response: StartResponse) -> Iterator[bytes]:
    """Says one length, and sends a body of another."""
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", length)])
    for _ in range(size):
        yield b"x"


class EventStream:
    """Waits before its second event until the test lets it pass. Tells the test when it is closed."""

    def __init__(self, environ: Environ) -> None:
        self._environ = environ
        self._pieces = self._events(environ)

    @staticmethod
    def _events(environ: Environ) -> Iterator[bytes]:
        gate = Gate(environ)
        yield b"data: 1\n\n"
        gate.wait()
        yield b"data: 2\n\n"

    def __iter__(self) -> Iterator[bytes]:
        return self._pieces

    def close(self) -> None:
        if "HTTP_X_EVENTS" in self._environ:
            report(self._environ, "closed")


class Endless:
    """Yields for ever. Tells the test when it is closed."""

    def __init__(self, environ: Environ) -> None:
        self._environ = environ

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        return b"x" * 1000

    def close(self) -> None:
        report(self._environ, "closed")


def plain(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    path: str = environ["PATH_INFO"]
    match path.strip("/").split("/"):
        case [""]:
            return answer(start_response, "Hello from behind nginx!\n")
        case ["query"]:
            return answer_json(start_response, parse_qs(environ["QUERY_STRING"]))
        case ["echo"]:
            start_response("200 OK", [("Content-Type", environ.get("CONTENT_TYPE") or "application/octet-stream")])
            return [read_all(environ)]
        case ["environ", *_]:
            return answer_json(start_response, strings(environ))
        case ["error", status]:
            return error(start_response, int(status))
        case ["large"]:
            start_response(
                "200 OK", [("Content-Type", "application/octet-stream"), ("Content-Length", str(len(LARGE)))]
            )
            return [LARGE]
        case ["id", number]:
            return answer(start_response, number)
        case ["length"]:
            return answer_json(
                start_response, {"length": environ.get("CONTENT_LENGTH"), "body": read_all(environ).decode()}
            )
        case ["declared", length, size]:
            return declared(length, int(size), start_response)
        case ["events"]:
            start_response("200 OK", [("Content-Type", "text/event-stream"), ("X-Accel-Buffering", "no")])
            return EventStream(environ)
        case ["endless"]:
            start_response("200 OK", [("Content-Type", "text/plain"), ("X-Accel-Buffering", "no")])
            return Endless(environ)
        case ["watched"]:
            try:
                report(environ, f"{len(read_all(environ))} bytes")
            except OSError:
                report(environ, "OSError")
            return answer(start_response, "read")
        case ["unread"]:
            return answer(start_response, "not read")
        case ["fails"]:
            raise RuntimeError("the application fails on purpose")
        case ["log"]:
            print(environ["HTTP_X_TEXT"], file=environ["wsgi.errors"])
            return answer(start_response, "")
    return error(start_response, 404, path=path)


app: Any = validator(plain)
