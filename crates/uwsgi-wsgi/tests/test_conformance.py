"""Every case of `uwsgi-conformance` over a socket, as `uwsgictl check` plays them.

UWSGICTL names the command; otherwise it is the one that cargo has built.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from conftest import Start
from server import Server

ROOT = Path(__file__).parents[3]
UWSGICTL = os.environ.get("UWSGICTL", str(ROOT / "target/debug/uwsgictl"))
APPLICATION = ROOT / "crates/uwsgi-conformance/src/application.py"
# A case that waits for a time limit takes up to 90 seconds.
SLOW = ["--slow"] if os.environ.get("UWSGI_TESTS") == "full" else []

# What an application sees in `PATH_INFO` where the front end sends no `PATH_INFO`: the path that other rules give. uWSGI passes
# on an empty one.
PATHS = {"one-variable": "200 (path /)", "no-path-info": "200 (path /m)", "target-only-script-name": "200 (path /page)"}


@pytest.mark.parametrize("transport", ["unix", "tcp"])
def test_every_case_but_the_named_ones(transport: str, start: Start) -> None:
    server: Server = start(str(APPLICATION), "--threads", "8", transport=transport)
    report = check(server)
    assert report["reports"], "the application must report"
    assert not report["deceived"]
    wrong = {case["name"]: case["does"] for case in report["cases"] if case["finding"] != "as-it-should"}
    assert wrong == PATHS
    assert len(report["cases"]) > 290


def check(server: Server) -> dict[str, Any]:
    """Plays the cases, many at once."""
    at_once = ["--at-once", "40"]
    command = [UWSGICTL, "check", "--to", server.address, "--report", "--json", *at_once, *SLOW]
    done = subprocess.run(command, stdout=subprocess.PIPE, timeout=300, check=False)
    assert done.returncode == 0, f"{command}: exit status {done.returncode}"
    report: dict[str, Any] = json.loads(done.stdout)
    return report
