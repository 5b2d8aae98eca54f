"""What the server is told to do, and how the values of its options are read.

The functions raise ValueError, which says what to write instead.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

from uwsgi_wsgi.loader import AppReference

DEFAULT_ADDRESS = "127.0.0.1:3031"
LOG_LEVELS = ("critical", "error", "warning", "info", "debug")

_DAY = 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """The values of the options of `uwsgi-wsgi`, which `uwsgi_wsgi.cli` describes."""

    app: AppReference
    # Empty if the option is not given: `listen_addresses` then decides.
    bind: tuple[str, ...]
    socket_mode: int
    backlog: int
    threads: int
    max_connections: int
    chdir: str | None
    pythonpath: tuple[str, ...]
    env: tuple[tuple[str, str], ...]
    # None leaves the process its umask.
    umask: int | None
    uwsgi_allow_from: str
    # Bytes.
    max_body: int
    # Seconds.
    header_timeout: float
    body_timeout: float
    write_timeout: float
    graceful_timeout: float
    # 0 is off.
    keepalive: float
    # With `None` the server writes no access log.
    access_logfile: str | None
    access_logformat: str
    error_logfile: str
    log_level: str
    check_config: bool


def listen_addresses(bind: tuple[str, ...], environ: Mapping[str, str], pid: int) -> tuple[str, ...]:
    """Returns the addresses of --bind, else the inherited sockets (sd_listen_fds(3)), else the default address."""
    if bind:
        return bind
    count = environ.get("LISTEN_FDS", "")
    # A process whose parent got the sockets has the variables too.
    if not count or environ.get("LISTEN_PID") != str(pid):
        return (DEFAULT_ADDRESS,)
    if not re.fullmatch(r"[0-9]{1,7}", count):
        raise ValueError(f"the environment variable LISTEN_FDS is {count!r}, which is not a number of sockets")
    # The first inherited descriptor is 3.
    return tuple(f"fd://{3 + index}" for index in range(int(count))) or (DEFAULT_ADDRESS,)


def parse_address(text: str) -> str:
    """Checks how an address is written, and returns it as it is. It is bound later."""
    if text.startswith("fd:"):
        if not re.fullmatch(r"fd:(//)?[0-9]+", text):
            raise ValueError(f"{text!r} has no number after fd:")
    elif text.startswith(("unix:", "@")) or ("/" in text and "://" not in text):
        path = re.sub(r"\A(unix:(//)?)?@?", "", text)
        if re.search(r"[\ud800-\udfff]", path):
            raise ValueError(f"{text!r} is not UTF-8")
        # sun_path has 108 bytes, and the last one is NUL (unix(7)).
        if not 0 < len(path.encode()) < 108 or "\0" in path:
            raise ValueError(f"{text!r} is not a path of a Unix socket: at most 107 bytes, without NUL")
    elif "://" in text:
        raise ValueError(f"{text!r} is a URL, not an address: write host:port, unix:/path, @name or fd://N")
    else:
        host, colon, port = text.rpartition(":")
        if not colon or not re.fullmatch(r"[0-9]{1,5}", port) or int(port) > 65_535:
            raise ValueError(f"{text!r} has no port from 0 to 65535: write host:port, or unix:/path for a Unix socket")
        if not re.fullmatch(r"\[[0-9A-Fa-f:.%\w]+\]|[A-Za-z0-9._-]*", host):
            raise ValueError(f"{text!r} has no valid host: an IPv6 address needs brackets, as in [::1]:3031")
    return text


def parse_size(text: str) -> int:
    """Reads a number of bytes: digits, and an optional k, m or g for powers of 1024."""
    match = re.fullmatch(r"([0-9]{1,19})([kmg]?)b?", text, re.IGNORECASE)
    if not match:
        raise ValueError(f"{text!r} is not a number of bytes: write 512, 64k, 10m or 1g")
    size = int(match[1]) << {"": 0, "k": 10, "m": 20, "g": 30}[match[2].lower()]
    if size >= 1 << 63:
        raise ValueError(f"{text!r} is more than 64 bits can count")
    return size


def parse_seconds(text: str) -> float:
    """Reads a time in seconds, more than 0."""
    seconds = parse_seconds_or_zero(text)
    if seconds == 0:
        raise ValueError(f"{text!r} is not a time to wait: it has to be more than 0 seconds")
    return seconds


def parse_seconds_or_zero(text: str) -> float:
    """Reads a time in seconds, which may be 0 and may have a fraction."""
    if not re.fullmatch(r"[0-9]+(\.[0-9]*)?|\.[0-9]+", text, re.ASCII):
        raise ValueError(f"{text!r} is not a time in seconds: write 10 or 0.5")
    seconds = float(text)
    if not math.isfinite(seconds) or seconds > _DAY:
        raise ValueError(f"{text!r} is too long: it may be {_DAY} seconds, which is a day")
    return seconds


def parse_mode(text: str) -> int:
    """Reads a file mode or an umask: octal digits, as chmod(1) and umask(1) read them."""
    if not re.fullmatch(r"(0o)?0?[0-7]{1,3}", text):
        raise ValueError(f"{text!r} is not a file mode: write three digits from 0 to 7, such as 660 or 022")
    return int(text, 8)


def parse_count(text: str) -> int:
    """Reads a number of threads, or of connections."""
    if not re.fullmatch(r"[0-9]{1,5}", text) or not 1 <= int(text) <= 65_535:
        raise ValueError(f"{text!r} is not a number from 1 to 65535")
    return int(text)


def parse_variable(text: str) -> tuple[str, str]:
    """Reads an environment variable, written NAME=VALUE."""
    name, equals, value = text.partition("=")
    if not equals or not name or "\0" in text:
        raise ValueError(f"{text!r} is not an environment variable: write NAME=VALUE")
    return name, value


def parse_paths(text: str) -> tuple[str, ...]:
    """Reads a comma-separated list of directories."""
    return tuple(filter(None, text.split(",")))


def parse_log_level(text: str) -> str:
    """Reads the name of a level, in capitals or not."""
    if text.lower() not in LOG_LEVELS:
        raise ValueError(f"{text!r} is not a level: write {', '.join(LOG_LEVELS[:-1])} or {LOG_LEVELS[-1]}")
    return text.lower()
