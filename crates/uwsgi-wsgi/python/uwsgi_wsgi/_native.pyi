"""The server, in Rust."""

from collections.abc import Callable
from typing import Any

DEFAULT_ALLOW_FROM: str
"""The peers that may connect by default."""

class Settings:
    """How many threads there are, the limits, and the timeouts in seconds."""

    def __init__(
        self,
        *,
        threads: int = 1,
        max_connections: int = 1024,
        allow_from: str | None = None,
        max_body: int = 1 << 30,
        header_timeout: float = 10,
        body_timeout: float = 30,
        write_timeout: float = 60,
        graceful_timeout: float = 30,
        keepalive: float = 0,
    ) -> None:
        """Raises ValueError, which says what is wrong."""

class ErrorLog:
    """Writes whole lines to a descriptor, from any thread."""

    def __init__(self, fd: int, level: str = "info") -> None: ...
    def log(self, level: str, text: str) -> None:
        """Writes a text at a level: critical, error, warning, info or debug. The time and the process are added."""

class AccessLog:
    """Writes a line for each request to a descriptor."""

    def __init__(self, fd: int, format: str = "combined") -> None:
        """Takes `combined`, `json`, or a text with gunicorn's atoms. Raises ValueError, which says what is wrong."""

class Listener:
    """A socket that accepts connections. Its text is its address."""

    @staticmethod
    def bind(address: str, *, socket_mode: int = 0o660, backlog: int = 1024) -> list[Listener]:
        """Listens at `host:port`, `unix:PATH`, `@name` or `fd://N`: at each address of a name.

        Raises OSError, whose text says what to do.
        """

    def close(self) -> None:
        """Stops to listen, and removes the file of a Unix socket that this process made."""

class Server:
    """Serves an application. It is made after a fork, and makes no thread before `start`."""

    def __init__(
        self,
        listeners: list[Listener],
        app: Callable[..., Any],
        settings: Settings,
        error_log: ErrorLog,
        access_log: AccessLog | None = None,
        *,
        multiprocess: bool = False,
    ) -> None: ...
    def start(self) -> None:
        """Starts the polling thread, which needs no Python."""

    def serve(self) -> None:
        """Serves requests on the calling thread. Returns after a stop, when this thread has nothing left to do."""

    def stop(self) -> None:
        """Accepts no more connections. What has begun is finished."""

    def finish(self, timeout: float) -> bool:
        """Waits until the polling thread has ended too. Returns False if it has not after this number of seconds."""
