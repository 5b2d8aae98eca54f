"""Applications that write to `wsgi.errors`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from wsgiref.types import StartResponse

from registry import Environ, answer, breaking, valid

_kept: list[Any] = []


@valid
def errors(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    stream = environ["wsgi.errors"]
    _kept[:] = [stream]
    stream.write("first line\n")
    stream.write("second line\n")
    stream.writelines(["one of many\n", "two of many\n"])
    print("by print", file=stream)
    for piece in ("in ", "pie", "ces", "\n"):
        stream.write(piece)
    stream.write("last without an end")
    result = stream.flush()
    stream.write("\n")
    return answer(start_response, str(result))


@valid
def errors_any_text(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    environ["wsgi.errors"].write("na\xefve \u20ac \U0001f600\n")
    environ["wsgi.errors"].write("\udcff after a lone surrogate\n")
    environ["wsgi.errors"].flush()
    return answer(start_response, b"written")


@breaking
def errors_bytes(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    try:
        environ["wsgi.errors"].write(b"bytes\n")
    except TypeError:
        return answer(start_response, b"TypeError")
    return answer(start_response, b"accepted")


@breaking
def errors_kept(_: Environ, start_response: StartResponse) -> Iterable[bytes]:
    try:
        _kept[0].write("after the request\n")
    except ValueError:
        return answer(start_response, b"ValueError")
    return answer(start_response, b"written")


@valid
def errors_long(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    """Writes 100 lines of 300 letters: X-Text tells which letter."""
    for _ in range(100):
        environ["wsgi.errors"].write(environ["HTTP_X_TEXT"] * 300 + "\n")
    return answer(start_response, b"written")
