"""Applications that call `start_response` in all the ways that PEP 3333 allows."""

from __future__ import annotations

import sys
import weakref
from collections.abc import Iterable, Iterator
from wsgiref.types import StartResponse

from registry import TEXT, Environ, answer, report, valid


class Failure(Exception):
    """What the applications raise, and handle."""


def replace_head(start_response: StartResponse, status: str = "503 Replaced") -> None:
    """Gives another head in an error handler."""
    try:
        raise Failure("handled by the application")
    except Failure:
        start_response(status, [*TEXT, ("X-Head", "second")], sys.exc_info())


@valid
def replace_before_body(_: Environ, start_response: StartResponse) -> Iterable[bytes]:
    start_response("200 OK", [*TEXT, ("X-Head", "first")])
    replace_head(start_response)
    return [b"replaced"]


@valid
def replace_after_empty_chunk(_: Environ, start_response: StartResponse) -> Iterator[bytes]:
    start_response("200 OK", [*TEXT, ("X-Head", "first")])
    yield b""
    yield b""
    replace_head(start_response)
    yield b"replaced"


@valid
def replace_after_empty_write(_: Environ, start_response: StartResponse) -> Iterable[bytes]:
    write = start_response("200 OK", [*TEXT, ("X-Head", "first")])
    write(b"")
    replace_head(start_response)
    return [b"replaced"]


@valid
def replace_at_end(_: Environ, start_response: StartResponse) -> Iterator[bytes]:
    """Replaces the head in the last step of an iterator that gave no byte."""
    start_response("200 OK", [*TEXT, ("X-Head", "first")])
    yield b""
    replace_head(start_response)


@valid
def replace_three_times(_: Environ, start_response: StartResponse) -> Iterable[bytes]:
    start_response("200 OK", list(TEXT))
    replace_head(start_response, "501 First")
    replace_head(start_response, "502 Second")
    replace_head(start_response, "503 Third")
    return [b"replaced"]


@valid
def replace_shorter(_: Environ, start_response: StartResponse) -> Iterable[bytes]:
    """The first head has a Content-Length, and the second has none: no length of the first may stay."""
    start_response("200 OK", [*TEXT, ("Content-Length", "1000")])
    replace_head(start_response)
    return iter([b"replaced", b" and short"])


@valid
def first_call_with_exc_info(_: Environ, start_response: StartResponse) -> Iterable[bytes]:
    replace_head(start_response)
    return [b"replaced"]


@valid
def exc_info_is_none(_: Environ, start_response: StartResponse) -> Iterable[bytes]:
    start_response("200 OK", list(TEXT), None)
    return [b"none"]


@valid
def replace_after_body(environ: Environ, start_response: StartResponse) -> Iterator[bytes]:
    """The head has left: `start_response` must raise the application's exception again, with its traceback."""
    start_response("200 OK", list(TEXT))
    yield b"part"
    failure = Failure("too late")
    try:
        raise failure
    except Failure:
        try:
            start_response("500 Too Late", list(TEXT), sys.exc_info())
        except BaseException as error:
            trace = error.__traceback__
            while trace and trace.tb_next:
                trace = trace.tb_next
            raised_in = trace.tb_frame.f_code.co_name if trace else "nothing"
            report(environ, f"raised the same: {error is failure}, raised in {raised_in}")
            raise
    report(environ, "start_response returned")
    yield b"more"


@valid
def replace_after_write(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    write = start_response("200 OK", list(TEXT))
    write(b"part")
    try:
        replace_head(start_response)
    except Failure:
        report(environ, "raised again")
        raise
    report(environ, "start_response returned")
    return [b"more"]


@valid
def exc_info_is_released(_: Environ, start_response: StartResponse) -> Iterable[bytes]:
    """Tells whether the server still refers to the exception after the call."""
    start_response("200 OK", list(TEXT))
    try:
        raise Failure("not kept")
    except Failure as failure:
        reference = weakref.ref(failure)
        start_response("200 Second", list(TEXT), sys.exc_info())
    # Python has removed the name `failure`. Without a reference of the server, the reference count is now 0.
    return [b"released" if reference() is None else b"held"]


@valid
def exc_info_is_released_after_raising(environ: Environ, start_response: StartResponse) -> Iterator[bytes]:
    """The same where `start_response` raises the exception again."""
    start_response("200 OK", list(TEXT))
    yield b"part"
    reference = None
    try:
        raise Failure("not kept")
    except Failure as failure:
        reference = weakref.ref(failure)
        try:
            start_response("500 Second", list(TEXT), sys.exc_info())
        except Failure:
            # The validator's frame holds `args` until the traceback goes.
            pass
    report(environ, "released" if reference() is None else "held")


@valid
def write_then_iterate(_: Environ, start_response: StartResponse) -> Iterable[bytes]:
    write = start_response("200 OK", list(TEXT))
    write(b"w1 ")
    write(b"")
    write(b"w2 ")
    return [b"i1 ", b"i2"]


@valid
def write_then_one_chunk(_: Environ, start_response: StartResponse) -> Iterable[bytes]:
    """A list of one chunk, but `write` was used: its length is not that of the body (PEP 3333, lines 935 to 940)."""
    write = start_response("200 OK", list(TEXT))
    write(b"written ")
    return [b"and returned"]


@valid
def write_only(_: Environ, start_response: StartResponse) -> Iterable[bytes]:
    start_response("200 OK", list(TEXT))(b"written")
    return []


@valid
def write_of_first_call(_: Environ, start_response: StartResponse) -> Iterable[bytes]:
    """The `write` of the first call stays usable after the head was replaced."""
    write = start_response("200 OK", list(TEXT))
    replace_head(start_response)
    write(b"written")
    return []


@valid
def own_server_and_date(_: Environ, start_response: StartResponse) -> Iterable[bytes]:
    start_response("200 OK", [*TEXT, ("Server", "mine/1"), ("Date", "Tue, 15 Nov 1994 08:12:31 GMT")])
    return [b"mine"]


@valid
def many_headers(_: Environ, start_response: StartResponse) -> Iterable[bytes]:
    headers = [(f"X-Header-{number}", str(number)) for number in range(200)]
    start_response("200 OK", [*TEXT, ("Set-Cookie", "a=1"), *headers, ("Set-Cookie", "b=2")])
    return [b"many"]


@valid
def latin1_header(_: Environ, start_response: StartResponse) -> Iterable[bytes]:
    start_response("200 Tr\xe8s bien", [*TEXT, ("X-Name", "caf\xe9 \xff\xa0")])
    return [b"latin-1"]


@valid
def environ_method(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    return answer(start_response, environ["REQUEST_METHOD"])
