"""How the values of options are read, and which addresses the server listens at."""

import argparse
import importlib.metadata

import pytest

import uwsgi_wsgi
from uwsgi_wsgi import cli, config
from uwsgi_wsgi.config import Config


def test_the_defaults() -> None:
    defaults = cli.parse(["shop"])
    assert defaults == Config(
        app=defaults.app,
        bind=(),
        socket_mode=0o660,
        backlog=1024,
        threads=1,
        max_connections=1024,
        chdir=None,
        pythonpath=(),
        env=(),
        umask=None,
        uwsgi_allow_from="127.0.0.1,::1",
        max_body=1 << 30,
        header_timeout=10,
        body_timeout=30,
        write_timeout=60,
        graceful_timeout=30,
        keepalive=0,
        access_logfile=None,
        access_logformat="combined",
        error_logfile="-",
        log_level="info",
        check_config=False,
    )
    assert (defaults.app.module, defaults.app.name) == ("shop", "application")


@pytest.mark.parametrize(
    ("arguments", "field", "value"),
    [
        ("-b :3031 --bind unix:/run/app.sock", "bind", (":3031", "unix:/run/app.sock")),
        ("--socket-mode 0600", "socket_mode", 0o600),
        ("--backlog 64", "backlog", 64),
        ("--threads 4", "threads", 4),
        ("--max-connections 10", "max_connections", 10),
        ("--chdir /srv", "chdir", "/srv"),
        ("--pythonpath /a,b,", "pythonpath", ("/a", "b")),
        ("-e A=1 --env B=x=y", "env", (("A", "1"), ("B", "x=y"))),
        ("--umask 022", "umask", 0o022),
        ("--uwsgi-allow-from *", "uwsgi_allow_from", "*"),
        ("--max-body 10m", "max_body", 10 << 20),
        ("--header-timeout 1.5", "header_timeout", 1.5),
        ("--body-timeout 2", "body_timeout", 2),
        ("--write-timeout 3", "write_timeout", 3),
        ("--graceful-timeout 0", "graceful_timeout", 0),
        ("--keepalive 5", "keepalive", 5),
        ("--keep-alive 5", "keepalive", 5),
        ("--access-logfile -", "access_logfile", "-"),
        ("--access-logformat json", "access_logformat", "json"),
        ("--error-logfile e.log", "error_logfile", "e.log"),
        ("--log-file e.log", "error_logfile", "e.log"),
        ("--log-level WARNING", "log_level", "warning"),
        ("--check-config", "check_config", True),
    ],
)
def test_each_option_is_read(arguments: str, field: str, value: object) -> None:
    assert getattr(cli.parse(["shop", *arguments.split()]), field) == value
    assert getattr(cli.parse([*arguments.split(), "shop"]), field) == value


def test_every_option_is_in_the_table_above() -> None:
    fields = {action.dest for action in cli._parser()._actions} - {"help", "version", "app"}
    marks = test_each_option_is_read.pytestmark  # type: ignore[attr-defined]
    assert {case[1] for mark in marks for case in mark.args[1]} == fields


@pytest.mark.parametrize(
    ("text", "size"),
    [("0", 0), ("512", 512), ("64k", 65_536), ("10M", 10 << 20), ("1g", 1 << 30), ("1GB", 1 << 30), ("007", 7)],
)
def test_sizes(text: str, size: int) -> None:
    assert config.parse_size(text) == size


@pytest.mark.parametrize("text", ["", "k", "-1", "+1", "1_0", "1.5m", "10t", "1 k", "٣", "1k\n", "0x10", "9" * 30])
def test_wrong_sizes(text: str) -> None:
    with pytest.raises(ValueError, match="is not a number of bytes: write 512, 64k, 10m or 1g"):
        config.parse_size(text)


def test_a_size_over_64_bits() -> None:
    assert config.parse_size("8589934591g") == (1 << 63) - (1 << 30)
    with pytest.raises(ValueError, match="more than 64 bits can count"):
        config.parse_size("8589934592g")


@pytest.mark.parametrize(("text", "seconds"), [("10", 10), ("0.5", 0.5), (".5", 0.5), ("1.", 1), ("86400", 86_400)])
def test_seconds(text: str, seconds: float) -> None:
    assert config.parse_seconds(text) == seconds


@pytest.mark.parametrize("text", ["", ".", "-1", "+1", "1e3", "inf", "nan", "1_0", "10s", " 1", "1\n", "٣"])
def test_wrong_seconds(text: str) -> None:
    for parse in (config.parse_seconds, config.parse_seconds_or_zero):
        with pytest.raises(ValueError, match="is not a time in seconds: write 10 or 0.5"):
            parse(text)


def test_the_limits_of_seconds() -> None:
    assert config.parse_seconds_or_zero("0") == config.parse_seconds_or_zero("0.0") == 0
    for text in ("0", "0.0"):
        with pytest.raises(ValueError, match="it has to be more than 0 seconds"):
            config.parse_seconds(text)
    for text in ("86400.1", "9" * 400):
        with pytest.raises(ValueError, match="it may be 86400 seconds, which is a day"):
            config.parse_seconds(text)


@pytest.mark.parametrize(("text", "mode"), [("660", 0o660), ("0660", 0o660), ("0o660", 0o660), ("22", 0o22), ("0", 0)])
def test_modes_are_octal(text: str, mode: int) -> None:
    assert config.parse_mode(text) == mode


@pytest.mark.parametrize("text", ["", "rw", "888", "1777", "-1", "0x1ff", "6_6", "660\n"])
def test_wrong_modes(text: str) -> None:
    with pytest.raises(ValueError, match="is not a file mode: write three digits from 0 to 7"):
        config.parse_mode(text)


def test_counts() -> None:
    assert [config.parse_count(text) for text in ("1", "65535", "08")] == [1, 65_535, 8]
    for text in ("", "0", "65536", "-1", "+1", "1.0", "1_0", "many", "٣"):
        with pytest.raises(ValueError, match="is not a number from 1 to 65535"):
            config.parse_count(text)


def test_wrong_variables() -> None:
    assert config.parse_variable("EMPTY=") == ("EMPTY", "")
    for text in ("", "NAME", "=value", "A\0=b"):
        with pytest.raises(ValueError, match="is not an environment variable: write NAME=VALUE"):
            config.parse_variable(text)


ADDRESSES = ["127.0.0.1:3031", ":3031", "app.internal:0", "[::1]:3031", "[fe80::1%eth0]:3031", "localhost:65535"]
ADDRESSES += ["unix:/run/app.sock", "unix:///run/app.sock", "unix:app.sock", "/run/app.sock", "./app.sock"]
ADDRESSES += ["@app", "unix:@app", "fd://3", "fd:3", "unix:/" + "a" * 106]


@pytest.mark.parametrize("text", ADDRESSES)
def test_addresses_are_kept_as_they_are_written(text: str) -> None:
    assert config.parse_address(text) == text


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "has no port from 0 to 65535: write host:port, or unix:/path for a Unix socket"),
        ("127.0.0.1", "has no port from 0 to 65535"),
        ("127.0.0.1:", "has no port from 0 to 65535"),
        ("127.0.0.1:65536", "has no port from 0 to 65535"),
        ("127.0.0.1:+80", "has no port from 0 to 65535"),
        ("::1:3031", "has no valid host: an IPv6 address needs brackets"),
        ("a b:3031", "has no valid host"),
        ("http://localhost:3031", "is a URL, not an address"),
        ("unix:", "is not a path of a Unix socket: at most 107 bytes, without NUL"),
        ("@", "is not a path of a Unix socket"),
        ("unix:/a\0b", "is not a path of a Unix socket"),
        ("unix:/" + "a" * 107, "is not a path of a Unix socket"),
        ("unix:/" + "ä" * 54, "is not a path of a Unix socket"),
        ("unix:/\udcff", "is not UTF-8"),
        ("fd://", "has no number after fd:"),
        ("fd://x", "has no number after fd:"),
    ],
)
def test_wrong_addresses(text: str, reason: str) -> None:
    with pytest.raises(ValueError) as error:
        config.parse_address(text)
    assert str(error.value).startswith(f"{text!r} {reason}")


def test_which_addresses_are_listened_at() -> None:
    def addresses(*bind: str, **environ: str) -> tuple[str, ...]:
        return config.listen_addresses(bind, environ, pid=42)

    assert addresses() == ("127.0.0.1:3031",)
    assert addresses(LISTEN_FDS="2", LISTEN_PID="42") == ("fd://3", "fd://4")
    assert addresses(":1", ":2", LISTEN_FDS="2", LISTEN_PID="42") == (":1", ":2")
    # The sockets are for the parent, or the parent has passed no sockets.
    for environ in (
        {"LISTEN_FDS": "2", "LISTEN_PID": "41"},
        {"LISTEN_FDS": "2"},
        {"LISTEN_FDS": "0", "LISTEN_PID": "42"},
    ):
        assert addresses(**environ) == ("127.0.0.1:3031",)
    with pytest.raises(ValueError, match="LISTEN_FDS is 'many', which is not a number of sockets"):
        addresses(LISTEN_FDS="many", LISTEN_PID="42")


def test_levels() -> None:
    assert config.parse_log_level("Debug") == "debug"
    with pytest.raises(ValueError, match="'loud' is not a level: write critical, error, warning, info or debug"):
        config.parse_log_level("loud")


def test_help_shows_defaults_as_they_are_written() -> None:
    # argparse reads a default that is a text like an argument.
    for action in cli._parser()._actions:
        if isinstance(action.default, str) and action.default != argparse.SUPPRESS:
            assert "%(default)s" in str(action.help), action.dest


def test_the_version_is_that_of_the_distribution() -> None:
    assert uwsgi_wsgi.__version__ == importlib.metadata.version("uwsgi-wsgi")
