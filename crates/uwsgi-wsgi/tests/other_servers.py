"""What gunicorn and uWSGI do with these tests: the table `other_servers.tsv` names the tests that they fail.

With UWSGI_WSGI_COMMAND (see `server.py`) the tests run against one of them, and must pass and fail as the table says. With
UWSGI_BLESS=1 too, the run writes its column of the table. So each line of the table is something that this program did, and a
test that gunicorn or uWSGI passes is shown to be one that a server can pass.

Some lines are chance: where an exception of the application ends gunicorn's worker, the answer may leave before or not.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from server import name_of_server

TABLE = Path(__file__).parent / "other_servers.tsv"
SERVERS = ["gunicorn", "uwsgi"]
HEADING = "test\tgunicorn 27.0.1\tuWSGI 2.0.31"

Known = dict[str, set[str]]


def read() -> Known:
    """Returns for each test the servers that fail it."""
    known: Known = {}
    for line in TABLE.read_text().splitlines()[1:] if TABLE.exists() else []:
        test, *cells = line.split("\t")
        known[test] = {server for server, cell in zip(SERVERS, cells) if cell == "fails"}
    return known


def write(known: Known) -> None:
    lines = [
        "\t".join([test, *("fails" if server in fails else "passes" for server in SERVERS)])
        for test, fails in sorted(known.items())
        if fails
    ]
    TABLE.write_text("\n".join([HEADING, *lines]) + "\n")


def key_of(nodeid: str) -> str:
    """Returns the file and the name of a test, whatever the directory is that pytest was started in."""
    return nodeid.rpartition("/")[2] if "[" not in nodeid else nodeid[nodeid.find("test_") :]


def is_about_any_server(item: pytest.Item) -> bool:
    """Whether the test is about WSGI and uwsgi, and not about our command, its options and its logs."""
    starts_server = {"shared", "start"} & set(getattr(item, "fixturenames", ()))
    return bool(starts_server) and not getattr(getattr(item, "module", None), "ONLY_OURS", False)


class Expectations:
    """A plugin of pytest that expects what the table says, or writes it."""

    def __init__(self) -> None:
        self.server = name_of_server()
        self.blesses = os.environ.get("UWSGI_BLESS") == "1"
        self.passed: dict[str, bool] = {}

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items[:] = [item for item in items if is_about_any_server(item)]
        if self.blesses:
            return
        known = read()
        for item in items:
            if self.server in known.get(key_of(item.nodeid), ()):
                item.add_marker(
                    pytest.mark.xfail(strict=True, reason=f"other_servers.tsv says that {self.server} fails")
                )

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        # A skipped test uses an option that the server does not have.
        if report.when == "call":
            if not report.skipped:
                self.passed[key_of(report.nodeid)] = report.passed

    def pytest_sessionfinish(self) -> None:
        if not self.blesses:
            return
        known = read()
        for test, passed in self.passed.items():
            fails = known.setdefault(test, set())
            fails.discard(self.server)
            if not passed:
                fails.add(self.server)
        write(known)
