"""The command line: its options, their defaults, and how the command ends."""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NoReturn, TypeVar

from uwsgi_wsgi import __version__, config
from uwsgi_wsgi._native import DEFAULT_ALLOW_FROM
from uwsgi_wsgi.config import Config
from uwsgi_wsgi.loader import AppReference

if TYPE_CHECKING:
    from _typeshed import SupportsWrite

Value = TypeVar("Value")

PROGRAM = "uwsgi-wsgi"


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command, and returns its exit status: 0, 1 if the server failed, or 2 if an argument is wrong."""
    parsed = parse(arguments)
    # The native module is not needed for --help and --version.
    from uwsgi_wsgi import run

    try:
        return run.run(parsed)
    except run.StartError as error:
        print(f"{PROGRAM}: error: {error}\n{error.traceback}", end="", file=sys.stderr)
        return error.status


def parse(arguments: Sequence[str] | None = None) -> Config:
    """Reads the arguments. Prints what is wrong with them, and ends the process with status 2."""
    values = vars(_parser().parse_args(arguments))
    for name in ("bind", "env"):
        values[name] = tuple(values[name])
    return Config(**values)


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Prints one line instead of the whole usage, which would hide it."""
        self.exit(2, f"{PROGRAM}: error: {message} ({PROGRAM} --help lists the arguments)\n")

    def _print_message(self, message: str, file: "SupportsWrite[str] | None" = None) -> None:
        """Ends the process with status 1 if the help or the version cannot be printed; argparse ignores that."""
        output = sys.stdout
        if file is None or file is not sys.stdout:
            super()._print_message(message, file)
            return
        try:
            output.write(message)
            output.flush()
        except OSError as error:
            # Python writes what is left at its end, which must not fail again.
            os.dup2(os.open(os.devnull, os.O_WRONLY), output.fileno())
            # A reader such as `head` closes the output when it has read enough.
            if not isinstance(error, BrokenPipeError):
                self.exit(1, f"{PROGRAM}: error: cannot write to standard output: {error.strerror}\n")


def _parser() -> argparse.ArgumentParser:
    # An abbreviation would break as soon as another option begins with the same letters.
    parser = _Parser(
        prog=PROGRAM,
        usage=f"{PROGRAM} APP [options]",
        description="Serves a WSGI application to a front end that speaks uwsgi, such as nginx with uwsgi_pass.",
        epilog="Relative paths belong to the directory of --chdir. After SIGTERM or SIGINT the server finishes the "
        "requests that have begun, and ends.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "app",
        metavar="APP",
        type=_reads(AppReference.parse),
        help="the application: module:callable, module:factory(), module:factory('literal', name=3) or "
        "path/to/file.py:callable; a module or a file alone means its callable 'application'",
    )
    parser.add_argument("--version", action="version", version=f"{PROGRAM} {__version__}", help="print the version")
    parser.add_argument(
        "--check-config",
        action="store_true",
        help="check the options and import the application, then end; listen at no address [default: off]",
    )
    _add_application(parser)
    _add_listening(parser)
    _add_limits(parser)
    _add_logs(parser)
    return parser


def _add_application(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("the application's process")
    _option(group, "--threads", "1", config.parse_count, "N", "threads that call the application")
    group.add_argument("--chdir", metavar="DIR", help="the working directory [default: the current one]")
    group.add_argument(
        "--pythonpath",
        metavar="DIR,DIR",
        type=_reads(config.parse_paths),
        default=(),
        help="directories to import from, before all others [default: none; the working directory is always one]",
    )
    group.add_argument(
        "-e",
        "--env",
        metavar="NAME=VALUE",
        action="append",
        type=_reads(config.parse_variable),
        default=[],
        help="set an environment variable; may be repeated [default: none]",
    )
    group.add_argument(
        "--umask", metavar="MODE", type=_reads(config.parse_mode), help="octal, such as 022 [default: as inherited]"
    )


def _add_listening(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("listening")
    group.add_argument(
        "-b",
        "--bind",
        metavar="ADDRESS",
        action="append",
        type=_reads(config.parse_address),
        default=[],
        help="host:port, :port for all IPv4 addresses, unix:PATH, @name for an abstract Unix socket, or fd://N for an "
        "inherited socket; may be repeated [default: the sockets that systemd hands over with LISTEN_FDS, else "
        f"{config.DEFAULT_ADDRESS}]",
    )
    _option(group, "--socket-mode", "660", config.parse_mode, "MODE", "mode of the file of a Unix socket, octal")
    _option(group, "--backlog", "1024", config.parse_count, "N", "connections that wait in the kernel, per address")
    _option(
        group,
        "--uwsgi-allow-from",
        DEFAULT_ALLOW_FROM,
        str,
        "PEERS",
        "comma-separated addresses and networks that may connect over TCP; * is every peer",
    )


def _add_limits(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("limits", "Sizes take k, m and g. Times are in seconds, and may have a fraction.")
    _option(group, "--max-connections", "1024", config.parse_count, "N", "open connections")
    _option(group, "--max-body", "1g", config.parse_size, "SIZE", "size of the body of a request")
    seconds = config.parse_seconds
    _option(group, "--header-timeout", "10", seconds, "SECONDS", "time to receive a request without its body")
    _option(group, "--body-timeout", "30", seconds, "SECONDS", "time to wait for more of a body")
    _option(group, "--write-timeout", "60", seconds, "SECONDS", "time to wait for a front end that reads no answer")
    seconds = config.parse_seconds_or_zero
    _option(group, "--graceful-timeout", "30", seconds, "SECONDS", "time to finish requests after SIGTERM or SIGINT")
    _option(
        group,
        "--keepalive",
        "0",
        seconds,
        "SECONDS",
        "time that a connection waits for another request; 0 closes it after the answer",
        "--keep-alive",
    )


def _add_logs(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("logs")
    group.add_argument(
        "--access-logfile", metavar="FILE", help="a line for each request; - is standard output [default: none]"
    )
    _option(
        group,
        "--access-logformat",
        "combined",
        str,
        "FORMAT",
        "combined, json, or a text with gunicorn's atoms, such as '%%(h)s \"%%(r)s\" %%(s)s %%(M)s'",
    )
    _option(
        group,
        "--error-logfile",
        "-",
        str,
        "FILE",
        "errors, and what the application writes to wsgi.errors; - is standard error",
        "--log-file",
    )
    levels = f"the least severe lines to log: {', '.join(config.LOG_LEVELS)}"
    _option(group, "--log-level", "info", config.parse_log_level, "LEVEL", levels)


def _option(
    group: argparse._ArgumentGroup,
    name: str,
    default: str,
    reads: Callable[[str], object],
    metavar: str,
    what: str,
    alias: str | None = None,
) -> None:
    """Adds an option whose default is written as on the command line, so that the help shows it like that."""
    names = [name] if alias is None else [name, alias]
    group.add_argument(
        *names, default=default, type=_reads(reads), metavar=metavar, help=f"{what} [default: %(default)s]"
    )


def _reads(function: Callable[[str], Value]) -> Callable[[str], Value]:
    """Has argparse show the text of a ValueError."""

    def read(text: str) -> Value:
        try:
            return function(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return read
