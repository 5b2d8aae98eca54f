"""The test applications, and a function that Python runs at its end."""

from __future__ import annotations

import atexit

from contract import app  # noqa: F401

atexit.register(print, "atexit has run", flush=True)
