"""Applications of each kind of callable."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator
from typing import Any
from wsgiref.types import StartResponse

Headers = [("Content-Type", "text/plain")]


def function(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
    start_response("200 OK", list(Headers))
    return [b"function"]


class AppClass:
    """A class: calling it makes the iterable (PEP 3333, "The Application/Framework Side")."""

    def __init__(self, environ: dict[str, Any], start_response: StartResponse) -> None:
        self.start_response = start_response

    def __iter__(self) -> Iterator[bytes]:
        self.start_response("200 OK", list(Headers))
        yield b"AppClass"


class Instance:
    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", list(Headers))
        return [b"instance"]

    def method(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", list(Headers))
        return [b"bound_method"]


def named(name: bytes, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
    start_response("200 OK", list(Headers))
    return [name]


instance = Instance()
bound_method = Instance().method
partial = functools.partial(named, b"partial")
