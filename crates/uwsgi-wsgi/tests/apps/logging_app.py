"""Tells what `logging` looked like when the server called the application the first time."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable
from typing import Any
from wsgiref.types import StartResponse


def app(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
    root = logging.getLogger()
    seen = {
        "handlers": len(root.handlers),
        "level": logging.getLevelName(root.level),
        "disabled": root.manager.disable,
        "names": sorted(name for name in root.manager.loggerDict if "uwsgi" in name),
    }
    logging.getLogger("application").warning("a warning of the application")
    start_response("200 OK", [("Content-Type", "application/json")])
    return [json.dumps(seen).encode()]
