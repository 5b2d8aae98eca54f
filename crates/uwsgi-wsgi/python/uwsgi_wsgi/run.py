"""Prepares the process, starts the server, waits for a signal, and stops."""

import faulthandler
import os
import platform
import sys
import threading
import time
import traceback
from dataclasses import dataclass
from typing import NoReturn

from uwsgi_wsgi import __version__, loader
from uwsgi_wsgi._native import AccessLog, ErrorLog, Listener, Server, Settings
from uwsgi_wsgi.config import Config, listen_addresses
from uwsgi_wsgi.loader import Application, LoadError
from uwsgi_wsgi.signals import StopRequested, StopSignals

# CPython's limit on recursion fits the stack of a main thread, which is 8 MiB on Linux by default.
_STACK_SIZE = 8 << 20
# Exit functions of libraries take some seconds to send what they have collected. They get this time in any case.
_SHORTEST_END = 5.0
# At --graceful-timeout the server cuts off connections that still wait. The application may need a moment to notice it.
_MOMENT = 0.5
# Then the server reads what comes for 2 more seconds, because a close would be a reset if bytes were unread.
_CUT_OFF = 3.0
# How long a wait in the native module lasts before a signal is looked for.
_STEP = 0.2


class StartError(Exception):
    """Why the server did not start, the exit status, and the traceback if the application's own code failed."""

    def __init__(self, message: str, status: int = 1, traceback_of_application: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.traceback = traceback_of_application


@dataclass(frozen=True, slots=True)
class Logs:
    """The logs, and the descriptor of the error log."""

    error: ErrorLog
    error_fd: int
    access: AccessLog | None


def run(config: Config) -> int:
    """Serves the application until a signal arrives, and returns the exit status. Raises StartError."""
    _open_standard_descriptors()
    _prepare_process(config)
    settings = _settings(config)
    logs = _open_logs(config)
    try:
        if not config.check_config:
            return _serve(config, settings, logs)
        _load(config)
        print(f"uwsgi-wsgi: the options are valid, and {_printable(str(config.app))} can be imported and called")
        return 0
    finally:
        _limit_end(logs, max(config.graceful_timeout, _SHORTEST_END))


def _serve(config: Config, settings: Settings, logs: Logs) -> int:
    listeners: list[Listener] = []
    signals = StopSignals(lambda second: _end_at_once(logs, listeners, f"ending at once, after a second {second.name}"))
    signals.install()
    try:
        # While the application is imported, front ends that connect wait in the queue of the socket.
        _bind(config, logs, listeners)
        application = _load(config)
        signals.wait_only()
        if signals.received is not None:
            # The application caught the exception.
            raise StopRequested
        try:
            server = Server(listeners, application, settings, logs.error, logs.access)
            server.start()
        except OSError as error:
            raise StartError(f"cannot start the server: {error}") from None
        return _Serving(server, config, logs, listeners, signals).run()
    except StartError:
        signals.release()
        raise
    except StopRequested:
        logs.error.log("info", "stopped before the start")
        return 0
    finally:
        _close(listeners)


class _Serving:
    """A server that has started, and its application threads, until the stop."""

    def __init__(
        self, server: Server, config: Config, logs: Logs, listeners: list[Listener], signals: StopSignals
    ) -> None:
        self._server = server
        self._config = config
        self._logs = logs
        self._listeners = listeners
        self._signals = signals
        names = (f"uwsgi-wsgi-{number}" for number in range(1, config.threads + 1))
        # They are not daemons. A thread that the application starts inherits this, and Python waits for such a thread at its
        # end. If a thread of ours is still at work then, `_end_with_tracebacks` ends the process.
        self._threads = [threading.Thread(target=self._serve, name=name, daemon=False) for name in names]
        # The names of the threads that have left `Server.serve`.
        self._ended: set[str] = set()
        self._failed = False

    def run(self) -> int:
        self._start_threads()
        self._log_start()
        while self._signals.received is None and not self._ended:
            self._signals.wait()
        return self._stop()

    def _start_threads(self) -> None:
        previous = threading.stack_size(_STACK_SIZE)
        try:
            for started, thread in enumerate(self._threads):
                try:
                    thread.start()
                except RuntimeError:
                    text = f"the system allows {started} of {len(self._threads)} threads: choose fewer with --threads"
                    _end_at_once(self._logs, self._listeners, text)
        finally:
            # The threads of the application keep the size that they would have.
            threading.stack_size(previous)

    def _serve(self) -> None:
        try:
            self._server.serve()
        except BaseException:
            self._failed = True
            self._logs.error.log("critical", f"an application thread failed:\n{traceback.format_exc()}")
        finally:
            self._ended.add(threading.current_thread().name)
            self._signals.wake()

    def _log_start(self) -> None:
        self._log(f"uwsgi-wsgi {__version__} with Python {platform.python_version()}, pid {os.getpid()}")
        for listener in self._listeners:
            self._log(f"listening at {listener}")
        self._log(f"threads: {len(self._threads)}, application: {_printable(str(self._config.app))}")

    def _stop(self) -> int:
        timeout = self._config.graceful_timeout
        deadline = time.monotonic() + timeout
        reason = self._signals.received.name if self._signals.received else "the end of an application thread"
        self._log(f"stopping after {reason}: what has begun is finished within {timeout:g} seconds")
        self._failed |= self._signals.received is None
        self._server.stop()
        # Front ends that wait in the queue of the socket now try another server, instead of waiting until the end.
        _close(self._listeners)
        if not self._wait_for_threads(deadline + _MOMENT):
            if at_work := self._threads_at_work():
                self._end_with_tracebacks(f"still at work after {timeout:g} seconds: {', '.join(at_work)}")
            if not self._wait_for_threads(deadline + _CUT_OFF):
                self._end_with_tracebacks(f"connections are still open after {timeout:g} seconds")
        for thread in self._threads:
            thread.join()
        if not self._finish(deadline + _CUT_OFF):
            self._failed = True
            self._logs.error.log("error", f"answers that were not sent within {timeout:g} seconds are cut off")
        self._log("stopped")
        return 1 if self._failed else 0

    def _wait_for_threads(self, deadline: float) -> bool:
        """Waits until all threads have left `Server.serve`. Returns False if they have not at the deadline."""
        while len(self._ended) < len(self._threads):
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            self._signals.wait(left)
        return True

    def _threads_at_work(self) -> list[str]:
        """Returns the names of the threads that call the application. The others only wait for connections."""
        frames = sys._current_frames()
        own = _Serving._serve.__code__
        innermost = [(thread.name, frames.get(thread.ident or 0)) for thread in self._threads]
        return [name for name, frame in innermost if frame is not None and frame.f_code is not own]

    def _finish(self, deadline: float) -> bool:
        """Waits for the polling thread, in steps: the handler of a second signal cannot run within a step."""
        while not self._server.finish(min(_STEP, max(deadline - time.monotonic(), 0))):
            if time.monotonic() >= deadline:
                return False
        return True

    def _end_with_tracebacks(self, reason: str) -> NoReturn:
        self._logs.error.log("error", f"{reason}; the tracebacks of all threads follow")
        faulthandler.dump_traceback(self._logs.error_fd)
        os._exit(1)

    def _log(self, text: str) -> None:
        self._logs.error.log("info", text)


def _open_standard_descriptors() -> None:
    """Opens /dev/null for each standard descriptor that is closed. Otherwise a socket could get its number."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            # open(2) takes the lowest free number.
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)


def _prepare_process(config: Config) -> None:
    os.environ.update(config.env)
    try:
        if config.chdir is not None:
            os.chdir(config.chdir)
        directory = os.getcwd()
    except OSError as error:
        where = "the working directory" if config.chdir is None else f"--chdir: cannot enter {config.chdir}"
        raise StartError(f"{where}: {error.strerror}") from None
    if config.umask is not None:
        os.umask(config.umask)
    try:
        loader.prepend_to_path([*config.pythonpath, directory])
    except LoadError as error:
        raise StartError(str(error)) from None


def _settings(config: Config) -> Settings:
    values = {
        "--threads": ("threads", config.threads),
        "--max-connections": ("max_connections", config.max_connections),
        "--uwsgi-allow-from": ("allow_from", config.uwsgi_allow_from),
        "--max-body": ("max_body", config.max_body),
        "--header-timeout": ("header_timeout", config.header_timeout),
        "--body-timeout": ("body_timeout", config.body_timeout),
        "--write-timeout": ("write_timeout", config.write_timeout),
        "--graceful-timeout": ("graceful_timeout", config.graceful_timeout),
        "--keepalive": ("keepalive", config.keepalive),
    }
    for option, (name, value) in values.items():
        try:
            # Each value is tried alone, because the error does not name the option.
            Settings(**{name: value})  # type: ignore[arg-type]
        except (ValueError, OverflowError) as error:
            raise StartError(f"argument {option}: {error}", status=2) from None
    return Settings(**dict(values.values()))  # type: ignore[arg-type]


def _open_logs(config: Config) -> Logs:
    error_fd = _open_log("--error-logfile", config.error_logfile, 2, config.check_config)
    access_fd = 1
    if config.access_logfile is not None:
        access_fd = _open_log("--access-logfile", config.access_logfile, 1, config.check_config)
    try:
        access = AccessLog(access_fd, config.access_logformat)
    except ValueError as error:
        raise StartError(f"argument --access-logformat: {error}", status=2) from None
    return Logs(ErrorLog(error_fd, config.log_level), error_fd, access if config.access_logfile is not None else None)


def _open_log(option: str, path: str, standard: int, only_check: bool) -> int:
    """Returns the descriptor of a log. A check creates no file, because the server may run as another user."""
    if path == "-":
        return standard
    try:
        flags = os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC | os.O_NOCTTY
        return os.open(path, flags if only_check else flags | os.O_CREAT, 0o666)
    except OSError as error:
        directory = os.path.dirname(os.path.abspath(path))
        if only_check and isinstance(error, FileNotFoundError) and os.access(directory, os.W_OK | os.X_OK):
            return standard
        raise StartError(f"{option}: cannot write {path}: {error.strerror}") from None


def _bind(config: Config, logs: Logs, listeners: list[Listener]) -> None:
    """Listens at all addresses. Raises StartError."""
    pid = str(os.getpid())
    try:
        addresses = listen_addresses(config.bind, os.environ, int(pid))
    except ValueError as error:
        raise StartError(str(error)) from None
    if not config.bind and os.environ.get("LISTEN_FDS") and os.environ.get("LISTEN_PID") != pid:
        text = f"LISTEN_FDS is not for this process, whose id is {pid}, because LISTEN_PID is not that id"
        logs.error.log("warning", text)
    for address in addresses:
        try:
            listeners += Listener.bind(address, socket_mode=config.socket_mode, backlog=config.backlog)
        except (OSError, ValueError) as error:
            text = str(error)
            name = address.removeprefix("unix:").removeprefix("fd://")
            raise StartError(text if name in text else f"cannot listen at {address}: {text}") from None


def _load(config: Config) -> Application:
    try:
        application = loader.load(config.app)
        loader.refuse_monkey_patching()
    except LoadError as error:
        raise StartError(str(error), traceback_of_application=error.traceback) from None
    return application


def _printable(text: str) -> str:
    """Escapes what is not UTF-8 in an argument: Python keeps such bytes as surrogates (PEP 383)."""
    return text.encode(errors="backslashreplace").decode()


def _close(listeners: list[Listener]) -> None:
    for listener in listeners:
        listener.close()
    listeners.clear()


def _limit_end(logs: Logs, seconds: float) -> None:
    """Limits the time of Python's own end, which waits for threads of the application and calls exit functions.

    After that time the tracebacks of all threads are in the error log, and the process ends with status 1.
    """
    others = [thread for thread in threading.enumerate() if thread is not threading.main_thread()]
    names = ", ".join(thread.name for thread in others if not thread.daemon)
    if names:
        logs.error.log(
            "warning", f"threads of the application still run: {names}. Python waits {seconds:g} seconds for them"
        )
    faulthandler.dump_traceback_later(seconds, exit=True, file=logs.error_fd)


def _end_at_once(logs: Logs, listeners: list[Listener], text: str) -> NoReturn:
    logs.error.log("critical", text)
    _close(listeners)
    os._exit(1)
