"""Where the test applications register, and what they use: the first segment of the path names the application."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Callable, Iterable
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication
from wsgiref.validate import validator

Environ = dict[str, Any]
Application = Callable[[Environ, StartResponse], Iterable[bytes]]
Headers = list[tuple[str, str]]

TEXT: Headers = [("Content-Type", "text/plain")]

_applications: dict[str, WSGIApplication] = {}


def valid(application: Application) -> Application:
    """Registers an application that keeps the rules.

    `/name` calls it with `wsgiref.validate` around it, which checks what the server gives. The validator returns an iterator of
    its own, so `/plain/name` calls the application itself: the server then sees the list, the tuple or the file wrapper.
    """
    name = application.__name__.rstrip("_")
    _applications[name] = validator(application)
    _applications[f"plain/{name}"] = application
    return application


def breaking(application: Application) -> Application:
    """Registers an application that breaks the rules on purpose, so that the validator would stop it."""
    _applications[application.__name__.rstrip("_")] = application
    return application


def dispatch(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    # Servers may leave an empty SCRIPT_NAME out, but `wsgiref.validate` (Python 3.11) fails without it.
    environ.setdefault("SCRIPT_NAME", "")
    name = environ["PATH_INFO"].strip("/")
    # A KeyError is an error of the test, and the error log shows it.
    return _applications[name](environ, start_response)


def answer(start_response: StartResponse, body: bytes | str, status: str = "200 OK") -> list[bytes]:
    """Answers with this text as a list of one bytes."""
    start_response(status, list(TEXT))
    return [body.encode() if isinstance(body, str) else body]


def answer_json(start_response: StartResponse, value: object) -> list[bytes]:
    start_response("200 OK", [("Content-Type", "application/json")])
    return [json.dumps(value).encode()]


def report(environ: Environ, event: str) -> None:
    """Tells the test of an event, over the datagram socket that the header X-Events names."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as events:
        events.sendto(event.encode(), environ["HTTP_X_EVENTS"])


class Gate:
    """The pipe at which the application waits until the test lets it pass. The header X-Gate names it."""

    def __init__(self, environ: Environ) -> None:
        self._pipe = os.open(environ["HTTP_X_GATE"], os.O_RDONLY | os.O_NONBLOCK)
        os.set_blocking(self._pipe, True)

    def wait(self) -> None:
        os.read(self._pipe, 1)

    def __del__(self) -> None:
        os.close(self._pipe)
