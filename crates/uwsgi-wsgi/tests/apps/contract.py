"""The test applications under one callable: `contract:app`."""

from __future__ import annotations

import body_apps  # noqa: F401
import breaking  # noqa: F401
import error_stream_apps  # noqa: F401
import file_apps  # noqa: F401
import input_apps  # noqa: F401
import start_response_apps  # noqa: F401
import thread_apps  # noqa: F401
from registry import dispatch

app = dispatch
