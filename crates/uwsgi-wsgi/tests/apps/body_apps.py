"""Applications that answer in all the ways that PEP 3333 allows."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from wsgiref.types import StartResponse

from registry import TEXT, Application, Environ, Gate, Headers, answer, report, valid

PIECE = (bytes(range(251)) * 400)[:100_000]


@valid
def hello(_: Environ, start_response: StartResponse) -> Iterable[bytes]:
    return answer(start_response, b"hello")


@valid
def log(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    """Writes a line to the error log."""
    environ["wsgi.errors"].write(environ["HTTP_X_TEXT"] + "\n")
    environ["wsgi.errors"].flush()
    return answer(start_response, b"written")


class Chunks:
    """An iterable with a `close` method, which tells of each step."""

    def __init__(self, environ: Environ, chunks: list[bytes]) -> None:
        self.environ = environ
        self.chunks = chunks

    def __iter__(self) -> Iterator[bytes]:
        for number, chunk in enumerate(self.chunks):
            report(self.environ, f"chunk {number}")
            yield chunk
        report(self.environ, "exhausted")

    def close(self) -> None:
        report(self.environ, "close")


class SizedChunks(Chunks):
    def __len__(self) -> int:
        return len(self.chunks)


class IndexedChunks:
    """A sequence without `__iter__`. PEP 3333 section "Supporting Older (<2.2) Versions of Python" allows it."""

    def __init__(self, chunks: list[bytes]) -> None:
        self.chunks = chunks

    def __getitem__(self, index: int) -> bytes:
        return self.chunks[index]


def answer_as_told(environ: Environ, start_response: StartResponse) -> list[bytes]:
    """Starts the answer that the header X-Answer describes, writes its `write`, and returns its `chunks`."""
    told = json.loads(environ["HTTP_X_ANSWER"])
    headers: Headers = [(name, value) for name, value in told.get("headers", TEXT)]
    write = start_response(told.get("status", "200 OK"), headers)
    for data in told.get("write", []):
        write(data.encode("latin-1"))
    return [chunk.encode("latin-1") for chunk in told.get("chunks", [])]


@valid
def list_(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    return answer_as_told(environ, start_response)


@valid
def tuple_(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    return tuple(answer_as_told(environ, start_response))


@valid
def generator(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    return (chunk for chunk in answer_as_told(environ, start_response))


@valid
def iterable(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    return Chunks(environ, answer_as_told(environ, start_response))


@valid
def sized(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    return SizedChunks(environ, answer_as_told(environ, start_response))


@valid
def indexed(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    return IndexedChunks(answer_as_told(environ, start_response))  # type: ignore[return-value]


@valid
def late(environ: Environ, start_response: StartResponse) -> Iterator[bytes]:
    """A generator: its first `next` calls `start_response`."""
    yield from answer_as_told(environ, start_response)


class Late:
    """An application that is a class: its iterator calls `start_response` (PEP 3333, `AppClass`)."""

    def __init__(self, environ: Environ, start_response: StartResponse) -> None:
        self.environ = environ
        self.start_response = start_response

    def __iter__(self) -> Iterator[bytes]:
        yield from answer_as_told(self.environ, self.start_response)


valid(Late)


def steps(in_each: str) -> Application:
    """Makes an application that gives chunks, and waits at the gate before each."""

    def application(environ: Environ, start_response: StartResponse) -> Iterator[bytes]:
        gate = Gate(environ)
        start_response("200 OK", list(TEXT))
        for number in range(5):
            gate.wait()
            yield in_each.format(number).encode()

    return application


steps_application = steps("chunk {} ")
steps_application.__name__ = "steps"
valid(steps_application)
empty_steps_application = steps("")
empty_steps_application.__name__ = "empty_steps"
valid(empty_steps_application)


@valid
def write_steps(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    """Writes a chunk each time that the gate opens."""
    gate = Gate(environ)
    write = start_response("200 OK", list(TEXT))
    for number in range(5):
        gate.wait()
        write(f"chunk {number} ".encode())
    return []


@valid
def large(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    """Gives X-Pieces pieces of 100,000 bytes, as one bytes, a list or a generator, with their SHA-256 in a header."""
    count = int(environ["HTTP_X_PIECES"])
    digest = hashlib.sha256()
    for _ in range(count):
        digest.update(PIECE)
    start_response("200 OK", [*TEXT, ("X-Digest", digest.hexdigest())])
    match environ["HTTP_X_AS"]:
        case "one":
            return [PIECE * count]
        case "list":
            return [PIECE] * count
        case _:
            return (PIECE for _ in range(count))
