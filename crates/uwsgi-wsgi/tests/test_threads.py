"""Threads, locks and child processes of the application, and the threads of the server."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from typing import Any

import pytest

from client import Answer, Connection, exchange, get, post, vars_of
from conftest import Events, Gate, Start
from server import Server


def ask_at_once(server: Server, path: str, count: int, clients: int = 8, **more: str) -> list[Answer]:
    """Sends this many requests from several threads, and returns the answers."""
    answers: list[Answer] = []

    def ask(share: int) -> None:
        answers.extend(get(server.address, path, **more) for _ in range(share))

    threads = [threading.Thread(target=ask, args=(count // clients,)) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def test_lock(shared: Start) -> None:
    """A lock in the application, with switches of threads inside of it."""
    answers = ask_at_once(shared("contract:app", "--threads", "4"), "/count", 200)
    assert sorted(int(answer.body) for answer in answers) == list(range(1, 201))


def test_thread_local_values(start: Start) -> None:
    """There are as many threads as --threads says, and their values live as long as the server: so database connections do."""
    answers = ask_at_once(start("contract:app", "--threads", "4"), "/identity", 200)
    seen: list[dict[str, Any]] = [json.loads(answer.body) for answer in answers]
    assert len(seen) == 200
    threads = {entry["ident"] for entry in seen}
    assert len(threads) <= 4
    assert len({entry["token"] for entry in seen}) == len(threads)
    assert len({entry["native"] for entry in seen}) == len(threads)
    # No value was lost: the highest count of each thread is how often it was asked.
    highest = {ident: max(entry["count"] for entry in seen if entry["ident"] == ident) for ident in threads}
    assert highest == Counter(entry["ident"] for entry in seen)
    assert {entry["class"] for entry in seen} == {"Thread"}
    assert {entry["is main"] for entry in seen} == {False}


def test_all_threads_work(shared: Start, events: Events, gate: Gate) -> None:
    """With four threads, four calls run at the same time. No request waits while a thread is free.

    All connections are there before their requests, so that requests become ready in the same moment. Many rounds, because a
    request that wakes no thread is a matter of chance.
    """
    server = shared("contract:app", "--threads", "4")
    pairs = vars_of("/wait", HTTP_X_EVENTS=events.path, HTTP_X_GATE=gate.path)
    for _ in range(60):
        connections = [Connection(server.address) for _ in range(4)]
        for connection in connections:
            connection.send_request(pairs)
        for _ in connections:
            assert events.next(3) == "waiting"
        gate.open(4)
        for connection in connections:
            assert connection.receive_answer().body == b"waited"
            connection.close()


@pytest.mark.parametrize("threads", [1, 4])
def test_all_threads_blocked(threads: int, transport: str, shared: Start, events: Events, gate: Gate) -> None:
    """While all threads are blocked, others wait. None of them is lost."""
    server = shared("contract:app", "--threads", str(threads), transport=transport)
    pairs = vars_of("/wait", HTTP_X_EVENTS=events.path, HTTP_X_GATE=gate.path)
    blocking = [Connection(server.address) for _ in range(threads)]
    for connection in blocking:
        connection.send_request(pairs)
        assert events.next() == "waiting"
    waiting = [Connection(server.address) for _ in range(20)]
    for connection in waiting:
        connection.send_request(vars_of("/hello"))
    assert waiting[0].is_silent(0.1)
    gate.open(threads)
    for connection in blocking:
        assert connection.receive_answer().body == b"waited"
    for connection in waiting:
        assert connection.receive_answer().body == b"hello"


def test_background_thread_at_idle_time(shared: Start, events: Events) -> None:
    """A thread of the application runs while the only thread of the server waits for a request."""
    server = shared()
    assert get(server.address, "/background", HTTP_X_EVENTS=events.path).body == b"started"
    for number in range(5):
        assert events.next(2) == f"step {number}"


@pytest.mark.parametrize("waits_for", ["the head", "the body", "the reader"])
def test_background_thread_while_the_server_waits(waits_for: str, shared: Start, events: Events) -> None:
    """The same while the only thread of the server waits for a slow client."""
    server = shared()
    assert get(server.address, "/background", HTTP_X_EVENTS=events.path).body == b"started"
    with Connection(server.address, receive_buffer=4096) as slow:
        match waits_for:
            case "the head":
                slow.send(b"\0")
            case "the body":
                slow.send_request(vars_of("/digest", 1_000_000), b"begun")
            case "the reader":
                slow.send_request(vars_of("/plain/large", HTTP_X_PIECES="100", HTTP_X_AS="generator"))
                slow.receive_until(b"\r\n\r\n")
        for number in range(5):
            assert events.next(2) == f"step {number}"


def test_sleeping_application(shared: Start) -> None:
    """A call that sleeps delays no other thread."""
    server = shared("contract:app", "--threads", "4")
    with Connection(server.address) as sleeper:
        sleeper.send_request(vars_of("/sleep", HTTP_X_SECONDS="0.5"))
        begun = time.monotonic()
        for _ in range(10):
            assert get(server.address, "/hello").body == b"hello"
        assert time.monotonic() - begun < 0.5
        assert sleeper.receive_answer().body == b"slept"


def test_computing_application(shared: Start) -> None:
    """A call that computes in Python lets another thread run too (`sys.setswitchinterval` is 5 ms)."""
    server = shared("contract:app", "--threads", "4")
    with Connection(server.address) as busy:
        busy.send_request(vars_of("/busy", HTTP_X_SECONDS="1"))
        begun = time.monotonic()
        assert get(server.address, "/hello").body == b"hello"
        assert time.monotonic() - begun < 0.9
        assert busy.receive_answer().body == b"computed"


def test_application_starts_threads(shared: Start) -> None:
    assert get(shared().address, "/thread").body == str(list(range(10))).encode()


def test_application_runs_asyncio(shared: Start) -> None:
    assert get(shared().address, "/asyncio_run").body == str(list(range(5))).encode()


@pytest.mark.parametrize("threads", [1, 4])
def test_application_forks(threads: int, shared: Start) -> None:
    """`fork` and `exec`, many times, with other threads of the server beside."""
    server = shared("contract:app", "--threads", str(threads))
    answers = ask_at_once(server, "/fork", 16, clients=4)
    assert [answer.body for answer in answers] == [b"from the child\nstatus 0"] * 16
    assert get(server.address, "/hello").body == b"hello"


def test_child_process(shared: Start) -> None:
    """A child process gets no blocked signal, no ignored SIGTERM, and no descriptor of the server."""
    answer = get(shared("contract:app", "--threads", "4").address, "/child_process")
    blocked, terminates, descriptors = answer.body.decode().splitlines()
    assert blocked == "[]"
    assert terminates == "True"
    assert descriptors == "[0, 1, 2]"


def test_child_process_ends_by_sigterm(shared: Start) -> None:
    assert get(shared().address, "/child_ends_by_sigterm").body == b"-15"


def test_child_that_stays(shared: Start) -> None:
    """A child process that outlives its request does not hold the connection: the client sees the end of the answer."""
    server = shared()
    begun = time.monotonic()
    answer = exchange(server.address, vars_of("/daemon"))
    assert (answer.body, answer.end) == (b"forked", "closed")
    assert time.monotonic() - begun < 2


def test_requests_of_all_kinds_at_once(shared: Start) -> None:
    """Answers, bodies, errors and clients that go, all at the same time: each gets its own answer."""
    server = shared("contract:app", "--threads", "4")
    failures: list[object] = []

    def ask(number: int) -> None:
        body = f"body of {number} ".encode() * 2000
        for step in range(25):
            match (number + step) % 4:
                case 0:
                    answer = post(server.address, "/echo", body)
                    good = answer.body == body
                case 1:
                    answer = get(server.address, "/raise/call", HTTP_X_ERROR="ValueError")
                    good = answer.code == 500
                case 2:
                    with Connection(server.address) as connection:
                        connection.send_request(vars_of("/plain/large", HTTP_X_PIECES="20", HTTP_X_AS="generator"))
                        connection.receive_until(b"\r\n\r\n")
                    continue
                case _:
                    text = f"{number} {step}"
                    told = {"chunks": [text, " ", text]}
                    answer = get(server.address, "/generator", HTTP_X_ANSWER=json.dumps(told))
                    good = answer.body == f"{text} {text}".encode()
            if not good:
                failures.append((number, step, answer))

    clients = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    assert failures == []
