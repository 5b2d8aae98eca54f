"""One test for each fault that readers of the code and users have found, so that it does not come back."""

from __future__ import annotations

import time

import pytest

from client import Connection, exchange, get, packet_of, vars_of
from conftest import Start
from server import Server

ONLY_OURS = True


@pytest.fixture
def mended(shared: Start) -> Server:
    return shared("mended:app", transport="tcp")


def test_exception_beside_a_read_of_another_thread(mended: Server) -> None:
    with Connection(mended.address) as connection:
        connection.send_request(vars_of("/read_elsewhere", 200_000))
        connection.receive_answer()
    assert "the application failed beside a read" in mended.settled_log()
    assert get(mended.address, "/slow").body == b"slow"


def test_return_beside_a_write_of_another_thread(mended: Server) -> None:
    with Connection(mended.address) as connection:
        connection.send_request(vars_of("/write_elsewhere"))
        time.sleep(0.6)  # The application returns meanwhile, and the other thread waits for this client.
        answer = connection.receive_answer()
    assert answer.end == "reset"
    assert "a thread of the application still writes an answer" in mended.settled_log()
    assert get(mended.address, "/slow").body == b"slow"


def test_child_that_exits(mended: Server) -> None:
    """The status of the child is that of its SystemExit, and it sends nothing."""
    answer = get(mended.address, "/child_exits")
    assert (answer.code, answer.body) == (200, b"3")


def test_child_that_returns(mended: Server) -> None:
    """A child that comes back from the application sends no second answer, and serves nothing."""
    answer = get(mended.address, "/child_returns")
    assert answer.raw.count(b"HTTP/1.1") == 1 and answer.body == b"one answer"
    assert "a child process that the application forked has returned" in mended.settled_log()
    for _ in range(10):
        assert get(mended.address, "/slow").body == b"slow"


def test_child_that_holds_the_socket(start: Start) -> None:
    """The client sees the end of the answer although a child still holds the socket."""
    server = start("mended:app", transport="tcp")
    begun = time.monotonic()
    assert get(server.address, "/child_stays").body == b"whole"
    assert time.monotonic() - begun < 3


@pytest.mark.parametrize("length", [1000, 200_000])
def test_read_after_a_failed_read(length: int, mended: Server) -> None:
    """Every further read fails too: an empty result would be the end of the body."""
    with Connection(mended.address) as connection:
        connection.send_request(vars_of("/read_again", length), b"x" * 10)
        connection.end_sending()
        connection.receive_answer()
    assert "read again: ['OSError', 'OSError']" in mended.settled_log()


@pytest.mark.parametrize("path", ["/close_fails", "/too_long", "/written_too_long", "/raises_at_the_end"])
def test_whole_answer_of_an_application_that_fails(path: str, mended: Server) -> None:
    """The client gets the whole answer, also if it reads late: a reset would lose the bytes that it has not read."""
    with Connection(mended.address) as connection:
        connection.send_request(vars_of(path))
        connection.receive_until(b"\r\n\r\n")
        time.sleep(0.3)  # The server ends its side meanwhile.
        answer = connection.receive_answer()
    assert (len(answer.body), answer.end) == (300_000, "closed")


def test_input_in_the_wrappers_of_io(mended: Server) -> None:
    answer = exchange(mended.address, vars_of("/text_input", 5), b"hello")
    assert answer.body == b"HELLO"


def test_traceback_with_a_surrogate(mended: Server) -> None:
    assert get(mended.address, "/surrogate").code == 500
    log = mended.settled_log()
    assert "Traceback" in log and r"\ud800 is not a character" in log


def test_file_whose_length_is_0(mended: Server) -> None:
    """The files of /proc have bytes although their length is 0."""
    assert get(mended.address, "/file_without_length").body.strip()


def test_file_that_is_too_short(mended: Server) -> None:
    with Connection(mended.address) as connection:
        connection.send_request(vars_of("/file_too_short"))
        answer = connection.receive_answer()
    assert not answer.is_whole
    assert "[ERROR] Error handling request GET /file_too_short" in mended.settled_log()


def test_error_of_the_application_after_a_failed_read(mended: Server) -> None:
    with Connection(mended.address) as connection:
        connection.send_request(vars_of("/own_error", 200_000), b"x")
        connection.end_sending()
        assert connection.receive_answer().code == 400
    assert "FileNotFoundError" in mended.settled_log()


def test_peer_that_sends_many_requests_at_once(shared: Start) -> None:
    """Another client has its turn after one request, not after all of them."""
    server = shared("mended:app", "--keepalive", "30", transport="tcp")
    with Connection(server.address) as greedy:
        greedy.send(packet_of(vars_of("/slow", CONTENT_LENGTH="0")) * 100)
        greedy.receive_until(b"\r\n\r\n")
        begun = time.monotonic()
        assert get(server.address, "/slow").body == b"slow"
        assert time.monotonic() - begun < 1
