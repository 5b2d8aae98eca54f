"""The application for clients that send or read slowly."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Iterator
from wsgiref.types import StartResponse

from registry import Environ, answer, report

LARGE = bytes(number % 251 for number in range(1_000_000))

_directory = tempfile.TemporaryDirectory(prefix="uwsgi-wsgi-slow-")
_path = os.path.join(_directory.name, "large")
with open(_path, "wb") as _file:
    _file.write(LARGE)


def endless(environ: Environ) -> Iterator[bytes]:
    try:
        while True:
            yield b"x" * 65536
    finally:
        report(environ, "closed")


def app(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    path: str = environ["PATH_INFO"]
    if path == "/read":
        return answer(start_response, str(len(environ["wsgi.input"].read())))
    start_response("200 OK", [("Content-Type", "application/octet-stream")])
    match path:
        case "/list":
            return [LARGE]
        case "/file":
            return environ["wsgi.file_wrapper"](open(_path, "rb"))  # type: ignore[no-any-return]
        case "/endless":
            return endless(environ)
    return [b"hello"]
