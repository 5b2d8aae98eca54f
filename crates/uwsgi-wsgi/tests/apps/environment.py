"""Answers with what is in the environ, for any path."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any
from wsgiref.types import StartResponse
from wsgiref.validate import validator

# What the last request left in its environ, to see that no other request finds it.
LEFT = "left.behind"


def plain(*args: Any, **keywords: Any) -> Iterable[bytes]:
    # PEP 3333 section "Specification Details": a server calls the application with two positional arguments.
    assert len(args) == 2 and not keywords, f"called with {args} and {keywords}"
    environ: dict[str, Any] = args[0]
    start_response: StartResponse = args[1]
    seen = {
        "type": str(type(environ)),
        "strings": {key: value for key, value in environ.items() if type(value) is str},
        "others": {key: repr(value) for key, value in environ.items() if type(value) is not str},
        "bad keys": [repr(key) for key in environ if type(key) is not str],
        "body": environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)).decode("latin-1"),
    }
    if "HTTP_X_CLEAR" in environ:
        # An application may change the environ as it likes. The server must not need it, and the next request must not see it.
        environ.clear()
        environ[LEFT] = "here"
        environ["wsgi.version"] = "changed"
        environ["SERVER_NAME"] = "changed"
    start_response("200 OK", [("Content-Type", "application/json")])
    return [json.dumps(seen).encode()]


_validated = validator(plain)


def app(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
    # Servers may leave an empty SCRIPT_NAME out, but `wsgiref.validate` (Python 3.11) fails without it.
    environ.setdefault("SCRIPT_NAME", "")
    return _validated(environ, start_response)
