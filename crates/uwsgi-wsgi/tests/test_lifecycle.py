"""The life of a request: `close`, errors of the application, clients that go, and the error stream.

The letters name the requirements of PEP 3333:

| row | requirement |
|---|---|
| L1 | `close` is called once at the end, after an error, and when the client has gone ("Specification Details") |
| L2 | the server uses no other attributes of the iterable ("Specification Details") |
| L3 | `start_response` may be called as late as the first iteration ("Specification Details") |
| L4 | errors of the application are caught and logged; a part of an answer is aborted ("Error Handling") |
| L6 | there is a mode with one thread ("Thread Support") |
| L7 | `wsgi.errors` has flush, write and writelines ("Input and Error Streams") |
"""

from __future__ import annotations

import json
import re
import threading

import pytest

from client import Connection, get, vars_of
from conftest import Events, Start
from server import name_of_server

ERRORS = [
    "ValueError",
    "SystemExit",
    "KeyboardInterrupt",
    "BaseException",
    "GeneratorExit",
    "MemoryError",
    "UnicodeError",
]
# What each kind of error leaves in the log.
NAMES = {"UnicodeError": "UnicodeEncodeError"}


def check_log(log: str, path: str, error: str) -> None:
    """The error log has one traceback, of the application's frames alone, after a line that names the request."""
    assert log.count("Traceback (most recent call last)") == 1, log
    if name_of_server() != "ours":
        return
    line, _, trace = log.partition("Traceback (most recent call last)")
    assert f"Error handling request GET {path}" in line, log
    assert re.search(rf"^(breaking\.)?{NAMES.get(error, error)}\b", trace, re.MULTILINE), log
    frames = re.findall(r'File "([^"]*)"', trace)
    assert frames, log
    assert not [file for file in frames if "uwsgi_wsgi" in file], log


@pytest.mark.parametrize("error", [*ERRORS, "StopIteration", "Unprintable"])
@pytest.mark.parametrize("app", ["raise/call", "raise/after-start"])
def test_l4_error_in_the_call(app: str, error: str, shared: Start) -> None:
    """500, and nothing of the error in the answer. The thread serves the next request."""
    server = shared()
    answer = get(server.address, f"/{app}", HTTP_X_ERROR=error)
    assert answer.code == 500
    assert answer.is_whole
    assert b"Traceback" not in answer.body and b"broken on purpose" not in answer.body
    check_log(server.settled_log(), f"/{app}", error)


@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize("step", ["iter", "next", "empty"])
def test_l4_error_before_the_first_bytes(step: str, error: str, shared: Start, events: Events) -> None:
    """Nothing has left yet: 500, although `start_response` was called with another status."""
    server = shared()
    more = {"HTTP_X_ERROR": error, "HTTP_X_STEP": step, "HTTP_X_EVENTS": events.path}
    answer = get(server.address, "/raise/iteration", **more)
    assert answer.code == 500
    assert answer.is_whole
    check_log(server.settled_log(), "/raise/iteration", error)
    # L1: closed once.
    assert events.all() == ["close"]


@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize("app", ["raise/iteration", "raise/after-write"])
def test_l4_error_after_the_first_bytes(app: str, error: str, transport: str, shared: Start, events: Events) -> None:
    """A part has left: the answer is aborted, so that no front end takes the part for the whole."""
    server = shared(transport=transport)
    with Connection(server.address) as connection:
        more = {"HTTP_X_ERROR": error, "HTTP_X_STEP": "middle", "HTTP_X_EVENTS": events.path}
        connection.send_request(vars_of(f"/{app}", **more))
        connection.receive_until(b"part")
        answer = connection.receive_answer()
    assert (answer.status, answer.body) == ("200 OK", b"part")
    assert not answer.is_whole
    assert answer.end == ("reset" if transport == "tcp" else "closed")
    check_log(server.settled_log(), f"/{app}", error)
    assert events.all() == (["close"] if app == "raise/iteration" else [])


@pytest.mark.parametrize("error", ["ValueError", "SystemExit"])
def test_l4_error_in_close(error: str, shared: Start, events: Events) -> None:
    """The answer has left as a whole before `close` fails."""
    server = shared()
    more = {"HTTP_X_ERROR": error, "HTTP_X_STEP": "close", "HTTP_X_EVENTS": events.path}
    answer = get(server.address, "/raise/iteration", **more)
    assert (answer.status, answer.body, answer.is_whole) == ("200 OK", b"partend", True)
    log = server.settled_log()
    assert log.count("Traceback (most recent call last)") == 1, log
    assert error in log
    assert events.all() == ["close"]


def test_l4_recursion(shared: Start) -> None:
    """Python's own limit of recursion is reached before the stack of the thread ends."""
    server = shared()
    assert get(server.address, "/raise/recursion").code == 500
    assert "RecursionError" in server.settled_log()


@pytest.mark.parametrize("count", [0, 1, 3])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("path", ["/iterable", "/plain/iterable"], ids=["validated", "plain"])
def test_l1_close_at_the_end(count: int, method: str, path: str, shared: Start, events: Events) -> None:
    server = shared()
    more = {"HTTP_X_ANSWER": json.dumps({"chunks": ["chunk"] * count}), "HTTP_X_EVENTS": events.path}
    answer = get(server.address, path, REQUEST_METHOD=method, **more)
    assert answer.code == 200
    server.settled_log()
    assert events.all().count("close") == 1
    assert events.seen[-1] == "close"


@pytest.mark.parametrize("length", [2, 1000])
def test_l1_close_with_a_wrong_length(length: int, shared: Start, events: Events) -> None:
    server = shared()
    gives = {"headers": [["Content-Type", "text/plain"], ["Content-Length", str(length)]], "chunks": ["abc", "def"]}
    get(server.address, "/iterable", HTTP_X_ANSWER=json.dumps(gives), HTTP_X_EVENTS=events.path)
    server.settled_log()
    assert events.all().count("close") == 1


def test_l1_close_without_start_response(shared: Start, events: Events) -> None:
    server = shared()
    assert get(server.address, "/never_started_iterable", HTTP_X_EVENTS=events.path).code == 500
    server.settled_log()
    assert events.all().count("close") == 1


@pytest.mark.parametrize(
    ("transport", "goes", "chunk"),
    [
        pytest.param("unix", "closes", "", id="unix, empty chunks"),
        pytest.param("unix", "closes", "x" * 10_000, id="unix, chunks"),
        # A TCP peer that closes looks as one that ends its sending half and still reads. Only bytes find out.
        pytest.param("tcp", "closes", "x" * 10_000, id="tcp, chunks"),
        pytest.param("tcp", "resets", "", id="tcp with a reset, empty chunks"),
        pytest.param("tcp", "resets", "x" * 10_000, id="tcp with a reset, chunks"),
    ],
)
def test_l1_close_when_the_client_has_gone(
    transport: str, goes: str, chunk: str, shared: Start, events: Events
) -> None:
    """The iterable goes on for ever. It is closed at most 2 seconds after the client has gone, even if it gives no bytes."""
    server = shared(transport=transport)
    connection = Connection(server.address)
    connection.send_request(vars_of("/endless", HTTP_X_CHUNK=chunk, HTTP_X_EVENTS=events.path))
    connection.receive_until(b"begun")
    if goes == "resets":
        connection.reset()
    else:
        connection.close()
    assert events.next(2) == "close"
    log = server.settled_log()
    assert events.all() == ["close"]
    # A client that goes is no error of the application or of the server.
    assert "Traceback" not in log and "[ERROR]" not in log


def test_l1_half_closed_client_has_not_gone(shared: Start) -> None:
    """A client that has ended only its sending half waits for the answer (Apache's mod_proxy_uwsgi does not, but netcat does)."""
    with Connection(shared().address) as connection:
        connection.send_request(vars_of("/plain/large", HTTP_X_PIECES="50", HTTP_X_AS="generator"))
        connection.end_sending()
        answer = connection.receive_answer()
    assert len(answer.body) == 5_000_000
    assert answer.is_whole


def test_l2_attributes(shared: Start, events: Events) -> None:
    """Only `close` and what iteration needs. An iterable with `fileno` and `read` is still an iterable."""
    server = shared()
    answer = get(server.address, "/watched", HTTP_X_EVENTS=events.path)
    assert answer.body == b"watched"
    server.settled_log()
    assert events.all().count("close") == 1
    asked = {event.removeprefix("attribute ") for event in events.all() if event.startswith("attribute ")}
    assert asked <= {"close", "__iter__", "__len__"}, asked


@pytest.mark.parametrize("app", ["late", "Late"])
def test_l3_late_start_response(app: str, shared: Start) -> None:
    gives = {
        "status": "201 Late",
        "headers": [["Content-Type", "text/plain"], ["X-Late", "yes"]],
        "chunks": ["", "body"],
    }
    answer = get(shared().address, f"/plain/{app}", HTTP_X_ANSWER=json.dumps(gives))
    assert (answer.status, answer.header("X-Late"), answer.body) == ("201 Late", "yes", b"body")


@pytest.mark.parametrize("threads", [1, 4])
def test_l6_threads(threads: int, shared: Start) -> None:
    """No more calls run at the same time than there are threads."""
    server = shared("contract:app", "--threads", str(threads))
    answers: list[int] = []

    def ask() -> None:
        answers.append(int(get(server.address, "/overlap").body))

    clients = [threading.Thread(target=ask) for _ in range(12)]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    assert len(answers) == 12
    assert max(answers) == threads


def test_l7_wsgi_errors(shared: Start) -> None:
    """What the application writes is in the error log, as whole lines."""
    server = shared()
    answer = get(server.address, "/errors")
    assert answer.body == b"None"
    log = server.settled_log()
    for text in (
        "first line",
        "second line",
        "one of many",
        "two of many",
        "by print",
        "in pieces",
        "last without an end",
    ):
        assert len(re.findall(rf"\b{text}$", log, re.MULTILINE)) == 1, log


def test_l7_wsgi_errors_any_text(shared: Start) -> None:
    """Any text is accepted, with other characters in its place where the log cannot hold it."""
    server = shared()
    get(server.address, "/errors_any_text")
    log = server.settled_log()
    assert "Traceback" not in log
    assert "na\xefve \u20ac \U0001f600" in log
    assert "after a lone surrogate" in log


def test_l7_wsgi_errors_is_a_text_stream(shared: Start) -> None:
    assert get(shared().address, "/errors_bytes").body == b"TypeError"


def test_l7_wsgi_errors_after_the_request(shared: Start) -> None:
    """A thread or a log handler may keep the stream. It stays usable, or raises ValueError as a closed file does."""
    server = shared()
    get(server.address, "/errors")
    assert get(server.address, "/errors_kept").body in (b"written", b"ValueError")
