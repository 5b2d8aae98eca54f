"""Applications that break the rules of PEP 3333, to see what the server does."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Any
from wsgiref.types import StartResponse

from body_apps import Chunks
from registry import TEXT, Application, Environ, answer, breaking, report

# What an application can raise that is not an Exception, and what is.
ERRORS: dict[str, Callable[[], BaseException]] = {
    "ValueError": lambda: ValueError("broken on purpose"),
    "SystemExit": lambda: SystemExit(3),
    "KeyboardInterrupt": KeyboardInterrupt,
    "BaseException": lambda: BaseException("broken on purpose"),
    "GeneratorExit": GeneratorExit,
    "StopIteration": lambda: StopIteration("broken on purpose"),
    "MemoryError": MemoryError,
    "UnicodeError": lambda: UnicodeEncodeError("ascii", "\udcff", 0, 1, "surrogate"),
    # The text of this exception cannot be had.
    "Unprintable": lambda: Unprintable(),
}


class Unprintable(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no text")

    __repr__ = __str__


def checked(start_response: StartResponse, call: Callable[[], Any]) -> Iterable[bytes]:
    """Calls, and answers with the classes of the exception, or with `accepted`."""
    try:
        call()
    except Exception as error:
        classes = " ".join(c.__name__ for c in type(error).__mro__)
        start_response("200 Checked", list(TEXT), sys.exc_info())
        return [classes.encode()]
    return [b"accepted"]


@breaking
def check_status(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    """Calls `start_response` with the status that X-Status gives as JSON."""
    status = json.loads(environ["HTTP_X_STATUS"])
    return checked(start_response, lambda: start_response(status, list(TEXT)))


@breaking
def check_status_bytes(_: Environ, start_response: Any) -> Iterable[bytes]:
    return checked(start_response, lambda: start_response(b"200 OK", list(TEXT)))


@breaking
def check_headers(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    """Calls `start_response` with the headers that X-Headers gives as JSON."""
    headers = [tuple(pair) for pair in json.loads(environ["HTTP_X_HEADERS"])]
    return checked(start_response, lambda: start_response("200 OK", headers))


@breaking
def check_headers_bytes(_: Environ, start_response: Any) -> Iterable[bytes]:
    return checked(start_response, lambda: start_response("200 OK", [(b"X-Name", b"value")]))


@breaking
def check_headers_value_bytes(_: Environ, start_response: Any) -> Iterable[bytes]:
    return checked(start_response, lambda: start_response("200 OK", [("X-Name", b"value")]))


@breaking
def check_headers_shape(_: Environ, start_response: Any) -> Iterable[bytes]:
    return checked(start_response, lambda: start_response("200 OK", [("X-Name", "a", "b")]))


@breaking
def check_headers_none(_: Environ, start_response: Any) -> Iterable[bytes]:
    return checked(start_response, lambda: start_response("200 OK", None))


@breaking
def start_twice(_: Environ, start_response: StartResponse) -> Iterable[bytes]:
    start_response("200 OK", list(TEXT))
    return checked(start_response, lambda: start_response("200 Again", list(TEXT)))


@breaking
def start_twice_after_refusal(_: Environ, start_response: StartResponse) -> Iterable[bytes]:
    """The first call raises. A second one without exc_info is an error nevertheless (PEP 3333, lines 892 to 898)."""
    try:
        start_response("not a status", list(TEXT))
    except ValueError:
        pass
    return checked(start_response, lambda: start_response("200 Again", list(TEXT)))


@breaking
def start_twice_uncaught(_: Environ, start_response: StartResponse) -> Iterable[bytes]:
    start_response("200 OK", list(TEXT))
    start_response("200 Again", list(TEXT))
    return [b"body"]


@breaking
def bad_status_uncaught(_: Environ, start_response: StartResponse) -> Iterable[bytes]:
    start_response("200 OK\r\nX-Injected: yes", list(TEXT))
    return [b"body"]


@breaking
def start_without_arguments(_: Environ, start_response: Any) -> Iterable[bytes]:
    return checked(start_response, start_response)


@breaking
def never_started_list(_: Environ, start_response: StartResponse) -> Iterable[bytes]:
    return [b"body"]


@breaking
def never_started_empty(_: Environ, start_response: StartResponse) -> Iterable[bytes]:
    return []


@breaking
def never_started_generator(_: Environ, start_response: StartResponse) -> Iterator[bytes]:
    yield b""
    yield b"body"


@breaking
def never_started_iterable(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    return Chunks(environ, [b"body"])


@breaking
def returns_none(_: Environ, start_response: StartResponse) -> Any:
    start_response("200 OK", list(TEXT))
    return None


@breaking
def returns_str(_: Environ, start_response: StartResponse) -> Any:
    start_response("200 OK", list(TEXT))
    return "text"


@breaking
def returns_int(_: Environ, start_response: StartResponse) -> Any:
    start_response("200 OK", list(TEXT))
    return 7


@breaking
def str_first(environ: Environ, start_response: StartResponse) -> Any:
    start_response("200 OK", list(TEXT))
    return Chunks(environ, ["text", b"bytes"])  # type: ignore[list-item]


@breaking
def str_in_list(_: Environ, start_response: StartResponse) -> Any:
    start_response("200 OK", list(TEXT))
    return ["text"]


@breaking
def str_second(environ: Environ, start_response: StartResponse) -> Any:
    start_response("200 OK", [*TEXT, ("Content-Length", "9")])
    return Chunks(environ, [b"bytes", "text"])  # type: ignore[list-item]


@breaking
def none_second(environ: Environ, start_response: StartResponse) -> Any:
    start_response("200 OK", [*TEXT, ("Content-Length", "9")])
    return Chunks(environ, [b"bytes", None])  # type: ignore[list-item]


@breaking
def write_str(_: Environ, start_response: Any) -> Iterable[bytes]:
    write = start_response("200 OK", list(TEXT))
    return checked(start_response, lambda: write("text"))


@breaking
def write_too_much(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    """Writes 8 bytes where the Content-Length is 6."""
    write = start_response("200 OK", [*TEXT, ("Content-Length", "6")])
    write(b"1234")
    try:
        write(b"5678")
    except Exception as error:
        report(environ, f"write raised {type(error).__name__}")
        return []
    report(environ, "write returned")
    return []


_kept: list[Callable[[bytes], object]] = []


@breaking
def keep_write(_: Environ, start_response: StartResponse) -> Iterable[bytes]:
    _kept[:] = [start_response("200 OK", list(TEXT))]
    return [b"kept"]


@breaking
def use_kept_write(_: Environ, start_response: StartResponse) -> Iterable[bytes]:
    """Writes to an answer that has ended."""
    write = _kept[0]
    try:
        write(b"into another answer")
    except Exception as error:
        return answer(start_response, f"raised {type(error).__name__}")
    return answer(start_response, b"accepted")


class Endless:
    """Gives the same chunk for ever, and tells when it is closed."""

    def __init__(self, environ: Environ, chunk: bytes) -> None:
        self.environ = environ
        self.chunk = chunk

    def __iter__(self) -> Iterator[bytes]:
        yield b"begun"
        while True:
            yield self.chunk

    def close(self) -> None:
        report(self.environ, "close")


@breaking
def endless(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    """Gives X-Chunk for ever. X-Length is its Content-Length, if there is one."""
    length = environ.get("HTTP_X_LENGTH")
    start_response("200 OK", [*TEXT, ("Content-Length", length)] if length else list(TEXT))
    return Endless(environ, environ["HTTP_X_CHUNK"].encode())


def fail(name: str) -> Any:
    raise ERRORS[name]()


def failing(name: str) -> Callable[[Application], Application]:
    """Registers an application under `raise/` and this name."""

    def register(application: Application) -> Application:
        application.__name__ = f"raise/{name}"
        return breaking(application)

    return register


@failing("call")
def raise_in_call(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    fail(environ["HTTP_X_ERROR"])
    return []


@failing("after-start")
def raise_after_start(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    start_response("200 OK", list(TEXT))
    fail(environ["HTTP_X_ERROR"])
    return []


class Failing:
    """Fails in the step that X-Step names: `iter`, `next`, `empty` (after an empty chunk), `middle`, `close`."""

    def __init__(self, environ: Environ) -> None:
        self.environ = environ
        self.count = 0

    def fail_in(self, step: str) -> None:
        if self.environ["HTTP_X_STEP"] == step:
            fail(self.environ["HTTP_X_ERROR"])

    def __iter__(self) -> Failing:
        self.fail_in("iter")
        return self

    def __next__(self) -> bytes:
        self.count += 1
        match self.count:
            case 1:
                self.fail_in("next")
                return b""
            case 2:
                self.fail_in("empty")
                return b"part"
            case 3:
                self.fail_in("middle")
                return b"end"
            case _:
                raise StopIteration

    def close(self) -> None:
        report(self.environ, "close")
        self.fail_in("close")


@failing("iteration")
def raise_in_iteration(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    start_response("200 OK", [*TEXT, ("Content-Length", "7")])
    return Failing(environ)


@failing("after-write")
def raise_after_write(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    start_response("200 OK", [*TEXT, ("Content-Length", "7")])(b"part")
    fail(environ["HTTP_X_ERROR"])
    return []


@failing("recursion")
def raise_recursion(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    def deeper(number: int) -> int:
        return deeper(number + 1) + 1

    return answer(start_response, str(deeper(0)))


class Watched:
    """An iterable that tells which attributes are asked of it (PEP 3333, lines 569 to 575)."""

    def __init__(self, environ: Environ) -> None:
        self.environ = environ

    def __getattribute__(self, name: str) -> Any:
        if name not in ("environ", "__class__", "__dict__"):
            report(object.__getattribute__(self, "environ"), f"attribute {name}")
        return object.__getattribute__(self, name)

    def __iter__(self) -> Iterator[bytes]:
        return iter([b"wat", b"ched"])

    def close(self) -> None:
        report(self.environ, "close")

    def read(self, *_: Any) -> bytes:
        return b"not to be called"

    def fileno(self) -> int:
        return 0


@breaking
def watched(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    start_response("200 OK", list(TEXT))
    return Watched(environ)
