"""The error log, the access log, and the `logging` of the application."""

from __future__ import annotations

import json
import re
import threading
import time
from pathlib import Path

import pytest

from client import PATIENCE, exchange, get, post, vars_of
from conftest import Start

ONLY_OURS = True

# `[2026-11-30 16:00:00 +0000] [1234] [INFO] text`, as gunicorn writes it.
LINE = re.compile(
    r"\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d [+-]\d{4}\] \[(\d+)\] \[(CRITICAL|ERROR|WARNING|INFO|DEBUG)\] (.*)"
)


def lines_of(log: str) -> list[tuple[str, str]]:
    """Returns the level and the text of each line, which must all have the form of the log."""
    found = []
    for line in log.splitlines():
        match = LINE.fullmatch(line)
        assert match, f"not a line of the error log: {line!r}"
        found.append((match[2], match[3]))
    return found


def wait_for_line(path: Path, pattern: str) -> str:
    """Waits until a line of a file matches. The server writes a line of the access log after the answer has left."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        for line in path.read_text().splitlines() if path.exists() else []:
            if re.search(pattern, line):
                return line
        # No event tells that a file has grown.
        time.sleep(0.01)
    raise AssertionError(f"no line {pattern!r} in {path}: {path.read_text() if path.exists() else 'no file'}")


def test_start_and_stop(start: Start) -> None:
    """The lines of a whole life: version, process, addresses, threads; then the stop."""
    server = start("contract:app", "--threads", "3")
    assert get(server.address, "/hello").code == 200
    assert server.stop() == 0
    lines = lines_of(server.stderr.text)
    assert {level for level, _ in lines} == {"INFO"}
    texts = [text for _, text in lines]
    assert any("uwsgi-wsgi" in text and re.search(r"\d+\.\d+\.\d+", text) for text in texts), texts
    assert any(str(server.pid) in text for text in texts), texts
    assert any("3 threads" in text or "threads: 3" in text for text in texts), texts
    assert [text for text in texts if "listening at" in text] == [
        text for text in texts if server.address.removeprefix("unix:") in text
    ]
    assert [text.split()[0] for text in texts if text.startswith("stop")] == ["stopping", "stopped"]
    assert all(pid == str(server.pid) for pid in re.findall(r"\+0000\] \[(\d+)\]", server.stderr.text))


def test_two_listeners(start: Start, tmp_path: Path) -> None:
    """Each address has its line, and is ready when the line is there."""
    server = start("contract:app", "--bind", f"unix:{server_path(tmp_path)}")
    server.stderr.wait_for(re.escape(server_path(tmp_path)))
    assert get(server.address, "/hello").body == b"hello"
    assert get(f"unix:{server_path(tmp_path)}", "/hello").body == b"hello"
    assert server.stop() == 0
    assert not Path(server_path(tmp_path)).exists(), "the file of the socket is still there"


def server_path(directory: Path) -> str:
    return str(directory / "second.sock")


def test_error_log_file(start: Start, tmp_path: Path) -> None:
    """With --error-logfile, errors and `wsgi.errors` go there."""
    path = tmp_path / "error.log"
    server = start("contract:app", "--error-logfile", str(path), ready=None)
    wait_for_line(path, "listening at")
    assert get(server.address, "/log", HTTP_X_TEXT="from the application").code == 200
    wait_for_line(path, "from the application")
    assert get(server.address, "/raise/call", HTTP_X_ERROR="ValueError").code == 500
    wait_for_line(path, r"\[ERROR\] Error handling request GET /raise/call")
    wait_for_line(path, "ValueError: broken on purpose")
    assert server.stop() == 0
    assert server.stderr.text == ""


def test_level(start: Start, tmp_path: Path) -> None:
    """With the level `error` there is nothing of a life without errors, but what the application writes."""
    server = start("contract:app", "--log-level", "error", ready=None)
    wait_until_it_serves(server.address)
    assert get(server.address, "/log", HTTP_X_TEXT="from the application").code == 200
    server.wait_for_log("from the application")
    assert server.stop() == 0
    assert "[INFO]" not in server.stderr.text


def wait_until_it_serves(address: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            assert get(address, "/hello").body == b"hello"
            return
        except OSError:
            assert time.monotonic() < deadline
            # Without the line that the server is ready, there is no event.
            time.sleep(0.01)


def test_traceback_of_the_application(start: Start) -> None:
    """The line names the request, and the traceback has the frames of the application and no other."""
    server = start("contract:app")
    get(server.address, "/raise/call", HTTP_X_ERROR="ValueError", SCRIPT_NAME="", QUERY_STRING="a=b")
    # The last lines of the start can come after the line that the server is ready.
    _, error, trace = server.settled_log().partition("[ERROR] ")
    head, _, trace = trace.partition("\n")
    assert error and head.startswith("Error handling request GET /raise/call")
    lines = trace.splitlines()
    assert lines[0] == "Traceback (most recent call last):"
    files = re.findall(r'File "([^"]*)", line \d+, in (\w+)', trace)
    assert [name for _, name in files] == ["dispatch", "raise_in_call", "fail"]


def test_path_in_the_log(start: Start) -> None:
    """A path cannot forge a line of the log: control characters cannot come in, and others are escaped."""
    server = start("environment:app")
    server.begin_log()
    exchange(
        server.address,
        vars_of("/", PATH_INFO=b"/x\n[2026-01-01 00:00:00 +0000] [1] [ERROR] forged", CONTENT_LENGTH="x"),
    )
    exchange(server.address, vars_of("/", PATH_INFO=b"/\x1b[31mred", CONTENT_LENGTH="x"))
    exchange(server.address, vars_of("/", REQUEST_METHOD="G\x1bT"))
    assert server.stop() == 0
    assert "\x1b" not in server.stderr.text
    assert not [line for line in server.stderr.text.splitlines() if line.startswith("[2026-01-01")]


def test_whole_lines_of_wsgi_errors(start: Start) -> None:
    """Several threads write at once: no line is mixed with another."""
    server = start("contract:app", "--threads", "4")
    clients = [
        threading.Thread(target=get, args=(server.address, "/errors_long"), kwargs={"HTTP_X_TEXT": letter})
        for letter in "abcdefgh"
    ]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    assert server.stop() == 0
    lines = [line for line in server.stderr.text.splitlines() if "[INFO]" not in line]
    assert sorted(lines) == sorted(letter * 300 for letter in "abcdefgh" for _ in range(100))


def test_logging_of_the_application(start: Start) -> None:
    """The server does not set up `logging`: no handler, no level, and nothing switched off."""
    server = start("logging_app:app")
    seen = json.loads(get(server.address, "/").body)
    assert seen == {"handlers": 0, "level": "WARNING", "disabled": 0, "names": []}
    # Python's own handler of last resort writes to sys.stderr.
    server.stderr.wait_for(r"(?m)^a warning of the application$")


ACCESS = {
    "REMOTE_ADDR": "198.51.100.9",
    "REMOTE_USER": "ada",
    "REQUEST_URI": "/hello?a=b",
    "QUERY_STRING": "a=b",
    "HTTP_REFERER": "http://example.org/",
    "HTTP_USER_AGENT": 'agent "quoted" \\ \xe9',
}


def test_access_log_combined(start: Start, tmp_path: Path) -> None:
    """The format `combined` of Apache and nginx, which log readers know."""
    path = tmp_path / "access.log"
    server = start("contract:app", "--access-logfile", str(path))
    assert get(server.address, "/hello", **ACCESS).code == 200
    line = wait_for_line(path, "hello")
    match = re.fullmatch(
        r'198\.51\.100\.9 - ada \[(\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4})\] "GET /hello\?a=b HTTP/1\.1" 200 5 '
        r'"http://example\.org/" "(.*)"',
        line,
    )
    assert match, line
    assert "agent" in match[2]
    # The quotes of the client are escaped, in one of the ways of Apache and nginx, so that they end no field.
    assert re.fullmatch(r'(?:[^"\\]|\\.)*', match[2]), line


def test_access_log_on_stdout(start: Start) -> None:
    server = start("contract:app", "--access-logfile", "-")
    get(server.address, "/hello", REMOTE_USER=None)
    post(server.address, "/unread", b"12345")
    get(server.address, "/raise/call", HTTP_X_ERROR="ValueError")
    server.stdout.wait_for(r'192\.0\.2\.7 - - \[.*\] "GET /hello HTTP/1\.1" 200 5 "-" "-"\n')
    server.stdout.wait_for(r'"POST /unread HTTP/1\.1" 200 8 ')
    server.stdout.wait_for(r'"GET /raise/call HTTP/1\.1" 500 ')
    assert server.stop() == 0


def test_access_log_json(start: Start, tmp_path: Path) -> None:
    """One object a line."""
    path = tmp_path / "access.log"
    server = start("contract:app", "--access-logfile", str(path), "--access-logformat", "json")
    assert get(server.address, "/hello", **ACCESS).code == 200
    entry = json.loads(wait_for_line(path, "hello"))
    assert isinstance(entry.pop("time"), str)
    assert 0 <= float(entry.pop("milliseconds")) < 10_000
    assert "agent" in entry["user_agent"] and '"quoted" \\' in entry.pop("user_agent")
    assert entry == {
        "client": "198.51.100.9",
        "user": "ada",
        "method": "GET",
        "uri": "/hello?a=b",
        "protocol": "HTTP/1.1",
        "status": 200,
        "bytes": 5,
        "referer": "http://example.org/",
    }


ATOMS = [
    ("%(h)s", r"198\.51\.100\.9"),
    ("%(l)s", "-"),
    ("%(u)s", "ada"),
    ("%(t)s", r"\[\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\]"),
    ("%(r)s", r"GET /hello\?a=b HTTP/1\.1"),
    ("%(m)s", "GET"),
    ("%(U)s", "/hello"),
    ("%(q)s", "a=b"),
    ("%(H)s", r"HTTP/1\.1"),
    ("%(s)s", "200"),
    ("%(B)s", "5"),
    ("%(b)s", "5"),
    ("%(f)s", "http://example.org/"),
    ("%(a)s", "agent .*"),
    ("%(T)s", r"\d+"),
    ("%(D)s", r"\d+"),
    ("%(M)s", r"\d+"),
    ("%(L)s", r"\d+\.\d{6}"),
    ("%(p)s", r"<?\d+>?"),
    ("%({x-name}i)s", "named"),
    ("%({content-type}o)s", "text/plain"),
    ("%({REQUEST_URI}e)s", r"/hello\?a=b"),
    ("%({x-missing}i)s", "-"),
]


def test_access_log_atoms(start: Start, tmp_path: Path) -> None:
    """The atoms of gunicorn's --access-logformat."""
    path = tmp_path / "access.log"
    form = "begin|" + "|".join(atom for atom, _ in ATOMS) + "|100%%"
    server = start("contract:app", "--access-logfile", str(path), "--access-logformat", form)
    assert get(server.address, "/hello", HTTP_X_NAME="named", **ACCESS).code == 200
    line = wait_for_line(path, "begin")
    cells = line.split("|")[1:]
    assert len(cells) == len(ATOMS) + 1, line
    for (atom, pattern), cell in zip(ATOMS, cells):
        assert re.fullmatch(pattern, cell), f"{atom} gives {cell!r}"
    assert cells[-1] == "100%"


@pytest.mark.parametrize("threads", [4])
def test_access_log_whole_lines(threads: int, start: Start, tmp_path: Path) -> None:
    """Several threads write at once: there is one whole line for each request."""
    path = tmp_path / "access.log"
    server = start("contract:app", "--threads", str(threads), "--access-logfile", str(path))
    uris = [f"/hello?{'x' * 500}{number}" for number in range(200)]

    def ask(some: list[str]) -> None:
        for uri in some:
            assert get(server.address, uri).code == 200

    clients = [threading.Thread(target=ask, args=(uris[start::8],)) for start in range(8)]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    assert server.stop() == 0
    found = [re.search(r'"GET (\S+) HTTP/1\.1" 200 5 ', line) for line in path.read_text().splitlines()]
    assert sorted(match[1] for match in found if match) == sorted(uris)
    assert len(found) == len(uris)
