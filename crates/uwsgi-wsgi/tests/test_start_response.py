"""`start_response`: when the head leaves, what may be in it, and how it is replaced.

The letters name the requirements of PEP 3333 (section "The start_response() Callable" unless another is named):

| row | requirement |
|---|---|
| S1 | nothing leaves before the first non-empty bytes, or the end |
| S2 | the status: three digits, one space, the reason; no control characters |
| S3 | header names are tokens, values have no control characters; checked at the call |
| S4 | headers that the application gives stay; the server adds what HTTP requires |
| S5 | hop-by-hop headers are an error of the application ("Other HTTP Features", RFC 2616 section 13.5.1) |
| S6 | a second call without exc_info is an error |
| S7 | with exc_info: it replaces the head before it has left, and raises the exception again afterwards |
| S8 | the server keeps no reference to exc_info |
| S9 | it returns `write`, whose bytes leave before those of the iterable ("The write() Callable") |
| S10 | an application that never calls it |
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest

from client import Answer, Connection, get, vars_of
from conftest import Events, Gate, Start
from server import name_of_server


@dataclass
class Row:
    """An application, and the answer that must come of it."""

    name: str
    app: str
    status: str
    body: bytes
    headers: dict[str, str | None]


SECOND: dict[str, str | None] = {"X-Head": "second"}
ROWS = [
    Row(
        "S1 empty first chunk",
        "replace_after_empty_chunk",
        "503 Replaced",
        b"replaced",
        SECOND,
        # gunicorn 27.0.1 and uWSGI 2.0.31 send the first head with the empty chunk.
    ),
    Row(
        "S1 empty write",
        "replace_after_empty_write",
        "503 Replaced",
        b"replaced",
        SECOND,
        # gunicorn 27.0.1 and uWSGI 2.0.31 send the first head with the empty chunk.
    ),
    Row("S1 the end without bytes", "replace_at_end", "503 Replaced", b"", SECOND),
    Row("S2 the reason as it came", "latin1_header", "200 Tr\xe8s bien", b"latin-1", {"X-Name": "caf\xe9 \xff\xa0"}),
    Row(
        "S4 no Server and no Date of the server",
        "hello",
        "200 OK",
        b"hello",
        {"Server": None, "Date": None, "Content-Type": "text/plain"},
        # gunicorn 27.0.1 adds both.
    ),
    Row(
        "S4 the Server and Date of the application",
        "own_server_and_date",
        "200 OK",
        b"mine",
        {"Server": "mine/1", "Date": "Tue, 15 Nov 1994 08:12:31 GMT"},
        # gunicorn 27.0.1 replaces both.
    ),
    Row("S7 before the body", "replace_before_body", "503 Replaced", b"replaced", SECOND),
    Row("S7 several times", "replace_three_times", "503 Third", b"replaced", SECOND),
    Row("S7 in the first call", "first_call_with_exc_info", "503 Replaced", b"replaced", SECOND),
    Row(
        "S7 nothing of the first head stays",
        "replace_shorter",
        "503 Replaced",
        b"replaced and short",
        {**SECOND, "Content-Length": None},
        # With gunicorn 27.0.1 the Content-Length of the first head stays in force.
    ),
    Row("S7 exc_info is None", "exc_info_is_none", "200 OK", b"none", {}),
    Row("S8 no reference is kept", "exc_info_is_released", "200 Second", b"released", {}),
    Row("S9 before the iterable", "write_then_iterate", "200 OK", b"w1 w2 i1 i2", {"Content-Length": None}),
    Row(
        "S9 before an iterable of one",
        "write_then_one_chunk",
        "200 OK",
        b"written and returned",
        {"Content-Length": None},
    ),
    Row("S9 without an iterable", "write_only", "200 OK", b"written", {}),
    Row("S9 of the first call", "write_of_first_call", "503 Replaced", b"written", SECOND),
]


@pytest.mark.parametrize("path", ["/", "/plain/"], ids=["validated", "plain"])
@pytest.mark.parametrize("row", [pytest.param(row, id=row.name) for row in ROWS])
def test_row(row: Row, path: str, shared: Start) -> None:
    server = shared()
    answer = get(server.address, path + row.app)
    assert (answer.status, answer.body) == (row.status, row.body), server.log
    for name, value in row.headers.items():
        if name == "Content-Length" and value is None:
            # Without a length, or with the right one.
            assert answer.header(name) in (None, str(len(row.body)))
        else:
            assert answer.header(name) == value, name
    assert answer.end == "closed"
    assert "Traceback" not in server.settled_log()


def check_class(answer: Answer, exception: str) -> None:
    """PEP 3333 wants an error. Which class it has is a choice of ours."""
    classes = answer.body.decode().split()
    assert (exception if name_of_server() == "ours" else "Exception") in classes, classes


# The status and the class that the exception must have. JSON cannot carry bytes; those are below.
STATUSES: list[tuple[str, Any, str]] = [
    ("two digits", "20 OK", "ValueError"),
    ("four digits", "2000 OK", "ValueError"),
    ("letters", "abc OK", "ValueError"),
    ("a digit that is not ASCII", "20\xb2 OK", "ValueError"),
    ("only a reason", "OK", "ValueError"),
    ("empty", "", "ValueError"),
    ("a space before", " 200 OK", "ValueError"),
    ("a sign", "+20 OK", "ValueError"),
    ("a tabulator between", "200\tOK", "ValueError"),
    ("under 100", "099 OK", "ValueError"),
    ("CR LF at the end", "200 OK\r\n", "ValueError"),
    ("LF at the end", "200 OK\n", "ValueError"),
    ("a header in the reason", "200 OK\r\nX-Injected: yes", "ValueError"),
    ("NUL in the reason", "200 O\0K", "ValueError"),
    ("DEL in the reason", "200 O\x7fK", "ValueError"),
    ("not latin-1", "200 \u20ac", "ValueError"),
    # Front ends take a 1xx for an answer, or answer 502 (nginx, Apache). It is no answer to the request (RFC 9110 section 15.2).
    ("100", "100 Continue", "ValueError"),
    ("101", "101 Switching Protocols", "ValueError"),
    ("103", "103 Early Hints", "ValueError"),
    ("a number", 200, "TypeError"),
    ("None", None, "TypeError"),
    ("a list", ["200 OK"], "TypeError"),
]


@pytest.mark.parametrize(
    ("status", "exception"),
    [pytest.param(status, exception, id=f"S2 {name}") for name, status, exception in STATUSES],
)
def test_row_refused_status(status: Any, exception: str, shared: Start) -> None:
    """The application itself gets the error, while it still can handle it."""
    server = shared()
    answer = get(server.address, "/check_status", HTTP_X_STATUS=json.dumps(status))
    assert answer.status == "200 Checked", answer.raw
    assert not answer.all("X-Injected")
    check_class(answer, exception)


@pytest.mark.parametrize(
    "status", ["200 OK", "299 No Name of This Number", "404 Not Found", "599 ?", "201 tab\xe9", "500 a  b"]
)
def test_s2_accepted_status(status: str, shared: Start) -> None:
    assert get(shared().address, "/check_status", HTTP_X_STATUS=json.dumps(status)).status == status


HEADERS: list[tuple[str, Any, str]] = [
    ("S3 an empty name", [["", "x"]], "ValueError"),
    ("S3 a space in a name", [["X Name", "x"]], "ValueError"),
    ("S3 a space after a name", [["X-Name ", "x"]], "ValueError"),
    ("S3 a colon in a name", [["X-Name:", "x"]], "ValueError"),
    ("S3 LF in a name", [["X-Name\nX-Injected", "x"]], "ValueError"),
    ("S3 a name above ASCII", [["X-N\xe4me", "x"]], "ValueError"),
    ("S3 a name that is not latin-1", [["X-\u20ac", "x"]], "ValueError"),
    ("S3 CR LF in a value", [["X-Name", "x\r\nX-Injected: yes"]], "ValueError"),
    ("S3 LF in a value", [["X-Name", "x\nX-Injected: yes"]], "ValueError"),
    ("S3 LF at the end of a value", [["X-Name", "x\n"]], "ValueError"),
    ("S3 a folded value", [["X-Name", "x\r\n y"]], "ValueError"),
    ("S3 NUL in a value", [["X-Name", "x\0y"]], "ValueError"),
    ("S3 ESC in a value", [["X-Name", "x\x1by"]], "ValueError"),
    ("S3 DEL in a value", [["X-Name", "x\x7fy"]], "ValueError"),
    ("S3 a value that is not latin-1", [["X-Name", "\u20ac"]], "ValueError"),
    ("S3 a number as a value", [["X-Name", 5]], "TypeError"),
    ("S3 None as a value", [["X-Name", None]], "TypeError"),
    ("S3 a number as a name", [[5, "x"]], "TypeError"),
    ("S5 Connection", [["Connection", "close"]], "ValueError"),
    ("S5 connection", [["connection", "keep-alive"]], "ValueError"),
    ("S5 Keep-Alive", [["Keep-Alive", "timeout=5"]], "ValueError"),
    ("S5 Proxy-Authenticate", [["Proxy-Authenticate", "Basic"]], "ValueError"),
    ("S5 Proxy-Authorization", [["Proxy-Authorization", "Basic x"]], "ValueError"),
    ("S5 TE", [["TE", "trailers"]], "ValueError"),
    ("S5 Trailers", [["Trailers", "X-A"]], "ValueError"),
    ("S5 Transfer-Encoding", [["Transfer-Encoding", "chunked"]], "ValueError"),
    ("S5 TRANSFER-ENCODING", [["TRANSFER-ENCODING", "identity"]], "ValueError"),
    ("S5 Upgrade", [["Upgrade", "websocket"]], "ValueError"),
    ("B8 Content-Length twice", [["Content-Length", "5"], ["Content-Length", "6"]], "ValueError"),
    ("B8 content-length twice", [["Content-Length", "8"], ["content-length", "8"]], "ValueError"),
    # RFC 9110 section 8.6: one or more digits.
    ("B8 Content-Length of letters", [["Content-Length", "abc"]], "ValueError"),
    ("B8 a negative Content-Length", [["Content-Length", "-1"]], "ValueError"),
    ("B8 a Content-Length with a sign", [["Content-Length", "+8"]], "ValueError"),
    ("B8 an empty Content-Length", [["Content-Length", ""]], "ValueError"),
    ("B8 a Content-Length of two values", [["Content-Length", "8, 8"]], "ValueError"),
    ("B8 a Content-Length over 64 bits", [["Content-Length", "9" * 30]], "ValueError"),
]


@pytest.mark.parametrize(
    ("headers", "exception"),
    [pytest.param(headers, exception, id=name) for name, headers, exception in HEADERS],
)
def test_row_refused_header(headers: Any, exception: str, shared: Start) -> None:
    server = shared()
    answer = get(server.address, "/check_headers", HTTP_X_HEADERS=json.dumps(headers))
    assert answer.status == "200 Checked", answer.raw
    assert not answer.all("X-Injected")
    check_class(answer, exception)


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param([["X-Name", ""]], id="S3 an empty value"),
        pytest.param([["!#$%&'*+-.^_`|~0aZ", "x"]], id="S3 all characters of a token"),
        pytest.param([["X-Name", 'a, b;\tc="d"']], id="S3 a tabulator in a value"),
        pytest.param(
            [["Set-Cookie", "a=1"], ["Set-Cookie", "b=2"], ["X-A", "1"], ["Set-Cookie", "c=3"]], id="S3 order"
        ),
    ],
)
def test_row_accepted_headers(headers: list[list[str]], shared: Start) -> None:
    """RFC 9110 section 5.5 allows a tabulator inside of a value."""
    answer = get(shared().address, "/check_headers", HTTP_X_HEADERS=json.dumps(headers))
    assert answer.body == b"accepted"
    names = {name for name, _ in headers}
    assert [[name, value] for name, value in answer.headers if name in names] == headers


@pytest.mark.parametrize("app", ["check_status_bytes", "check_headers_bytes", "check_headers_value_bytes"])
def test_s3_bytes(app: str, shared: Start) -> None:
    """Status, names and values are str (PEP 3333, "A Note On String Types")."""
    check_class(get(shared().address, f"/{app}"), "TypeError")


@pytest.mark.parametrize("app", ["check_headers_shape", "check_headers_none", "start_without_arguments"])
def test_s3_shape(app: str, shared: Start) -> None:
    """The headers are a list of pairs."""
    answer = get(shared().address, f"/{app}")
    assert {"TypeError", "ValueError"} & set(answer.body.decode().split()), answer.body


def test_s4_many_headers(shared: Start) -> None:
    answer = get(shared().address, "/many_headers")
    assert answer.all("Set-Cookie") == ["a=1", "b=2"]
    assert [answer.header(f"X-Header-{number}") for number in range(200)] == [str(number) for number in range(200)]


@pytest.mark.parametrize("app", ["start_twice", "start_twice_after_refusal"])
def test_s6_second_call(app: str, shared: Start) -> None:
    answer = get(shared().address, f"/{app}")
    assert answer.status == "200 Checked", answer.raw
    assert b"Exception" in answer.body


@pytest.mark.parametrize("app", ["start_twice_uncaught", "bad_status_uncaught"])
def test_s6_error_that_nobody_handles(app: str, shared: Start) -> None:
    """The error ends the application: 500, and its traceback in the error log."""
    server = shared()
    answer = get(server.address, f"/{app}")
    assert answer.code == 500
    assert not answer.all("X-Injected")
    assert "Traceback" in server.settled_log()


def test_s7_after_the_body(transport: str, shared: Start, events: Events) -> None:
    """The application gets its own exception again, and the answer is aborted (PEP 3333, "Error Handling")."""
    server = shared(transport=transport)
    with Connection(server.address) as connection:
        connection.send_request(vars_of("/plain/replace_after_body", HTTP_X_EVENTS=events.path))
        connection.receive_until(b"part")
        answer = connection.receive_answer()
    assert events.next() == "raised the same: True, raised in replace_after_body"
    assert answer.status == "200 OK"
    assert answer.body == b"part"
    log = server.settled_log()
    assert "Failure: too late" in log
    if transport == "tcp":
        assert answer.end == "reset"


def test_s7_after_write(shared: Start, events: Events) -> None:
    server = shared()
    answer = get(server.address, "/replace_after_write", HTTP_X_EVENTS=events.path)
    assert events.next() == "raised again"
    assert answer.body == b"part"


def test_s8_no_reference_after_raising(shared: Start, events: Events) -> None:
    server = shared()
    get(server.address, "/plain/exc_info_is_released_after_raising", HTTP_X_EVENTS=events.path)
    assert events.next() == "released"


@pytest.mark.parametrize("app", ["write_steps", "steps"])
def test_s9_write_is_not_delayed(app: str, transport: str, shared: Start, gate: Gate) -> None:
    """The bytes leave although the application goes on. Nothing leaves before there are bytes."""
    server = shared(transport=transport)
    with Connection(server.address) as connection:
        connection.send_request(vars_of(f"/{app}", HTTP_X_GATE=gate.path))
        # The application has called start_response, and waits. There is no event for "the server sends nothing".
        assert connection.is_silent(0.1)
        for number in range(5):
            gate.open()
            received = connection.receive_until(b"chunk %d " % number)
            assert b"chunk %d" % (number + 1) not in received
        assert connection.receive_answer().body == b"chunk 0 chunk 1 chunk 2 chunk 3 chunk 4 "


def test_s1_empty_chunks_send_nothing(shared: Start, gate: Gate) -> None:
    with Connection(shared().address) as connection:
        connection.send_request(vars_of("/empty_steps", HTTP_X_GATE=gate.path))
        gate.open(4)
        assert connection.is_silent(0.1)
        gate.open()
        answer = connection.receive_answer()
    assert (answer.status, answer.body) == ("200 OK", b"")


def test_s9_write_of_str(shared: Start) -> None:
    answer = get(shared().address, "/write_str")
    assert answer.status == "200 Checked"
    check_class(answer, "TypeError")


def test_s9_write_after_the_end(shared: Start) -> None:
    """A `write` that the application keeps does not write into another answer."""
    server = shared()
    assert get(server.address, "/keep_write").body == b"kept"
    answer = get(server.address, "/use_kept_write")
    assert answer.body.startswith(b"raised "), answer.raw


NEVER = ["never_started_list", "never_started_empty", "never_started_generator"]


@pytest.mark.parametrize("app", NEVER)
def test_s10_never_called(app: str, shared: Start) -> None:
    server = shared()
    answer = get(server.address, f"/{app}")
    assert answer.code == 500
    assert b"body" not in answer.body.replace(b"<body>", b"").replace(b"</body>", b"")
    assert "start_response" in server.settled_log()
