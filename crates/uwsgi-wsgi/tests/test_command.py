"""The command: its messages, what it checks, how it starts and how it ends."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from client import PATIENCE, Connection, get, vars_of
from server import Output, free_port

import uwsgi_wsgi
from uwsgi_wsgi import cli

COMMAND = (sys.executable, "-m", "uwsgi_wsgi")
HINT = " (uwsgi-wsgi --help lists the arguments)"
HELLO = """
def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"hello"]
"""
# What a request evaluates is given by the test.
EVALUATE = """
import json, os, sys, threading

def application(environ, start_response):
    start_response("200 OK", [])
    return [json.dumps(eval(environ["HTTP_X_EVAL"])).encode()]
"""
# A request waits at a named pipe, after it has said so in the error log.
WAIT = """
import atexit, sys, threading, time

atexit.register(lambda: print("the end of Python", file=sys.stderr, flush=True))

def application(environ, start_response):
    print("the request has begun", file=environ["wsgi.errors"])
    with open("gate", "rb") as gate:
        gate.read()
    start_response("200 OK", [])
    return [b"finished"]
"""

Start = Callable[..., "Running"]


def environment(more: Mapping[str, str] | None = None) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LISTEN_")}
    return {**kept, "PYTHONDONTWRITEBYTECODE": "1", "COLUMNS": "200", **(more or {})}


def run(directory: Path, *arguments: str, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Runs the command to its end."""
    return subprocess.run(
        [*COMMAND, *arguments],
        cwd=directory,
        env=environment(env),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=3 * PATIENCE,
    )


def error_of(directory: Path, *arguments: str, status: int = 1, env: Mapping[str, str] | None = None) -> str:
    """Runs the command, which has to fail, and returns what is on standard error without the beginning of the message.

    Nothing on it may be a frame of the server's own code, or of the modules of Python that import the application.
    """
    done = run(directory, *arguments, env=env)
    assert (done.returncode, done.stdout) == (status, ""), done
    assert done.stderr.startswith("uwsgi-wsgi: error: ") and done.stderr.endswith("\n")
    assert not {"importlib", str(Path(uwsgi_wsgi.__file__).parent)} & {
        part for part in re.split(r'["<> ]', done.stderr)
    }
    assert "importlib" not in done.stderr and "/uwsgi_wsgi/" not in done.stderr
    return done.stderr.removeprefix("uwsgi-wsgi: error: ").removesuffix("\n")


class Running:
    """The command while it serves an application of the directory, at a Unix socket in it."""

    def __init__(
        self,
        directory: Path,
        app: str,
        *options: str,
        bind: str | None = "unix:s",
        command: tuple[str, ...] = COMMAND,
        env: Mapping[str, str] | None = None,
        ready: str = r"threads: ",
        inherited: tuple[int, ...] = (),
    ) -> None:
        self.path = directory / "s"
        self.address = f"unix:{self.path}"
        self.process = subprocess.Popen(
            [*command, app, *(["--bind", bind] if bind else []), *options],
            cwd=directory,
            env=environment(env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            pass_fds=inherited,
        )
        assert self.process.stdout and self.process.stderr
        self.stdout = Output(self.process.stdout)
        self.stderr = Output(self.process.stderr)
        self.stderr.wait_for(ready)

    def wait_until_it_listens(self, path: Path | None = None) -> None:
        """Waits for the socket, where no log line tells that it is there. Requests then wait in its queue."""
        if path:
            self.path, self.address = path, f"unix:{path}"
        deadline = time.monotonic() + PATIENCE
        while True:
            assert self.process.poll() is None and time.monotonic() < deadline, self.stderr.text
            try:
                Connection(self.address).close()
                return
            except (FileNotFoundError, ConnectionRefusedError):
                time.sleep(0.01)  # a pause between two looks

    def evaluate(self, expression: str) -> str:
        """Returns the value of an expression in the application, as JSON."""
        answer = get(self.address, HTTP_X_EVAL=expression)
        assert answer.code == 200, f"{answer}\n{self.stderr.text}"
        return answer.body.decode()

    def end(self, number: int = signal.SIGTERM) -> tuple[int, str]:
        """Sends a signal, and returns the exit status and all lines of the error log, without their dates."""
        self.process.send_signal(number)
        return self.wait()

    def wait(self) -> tuple[int, str]:
        status = self.process.wait(PATIENCE)
        self.stdout.wait_for_end()
        return status, without_dates(self.stderr.wait_for_end())


def without_dates(log: str) -> str:
    return re.sub(r"^\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \+0000\] \[\d+\] ", "", log, flags=re.MULTILINE)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts the command in the directory of the test. What still runs after the test is killed."""
    started: list[subprocess.Popen[bytes]] = []

    def start(app: str, *options: str, source: str = HELLO, directory: Path = tmp_path, **more: object) -> Running:
        (directory / "shop.py").write_text(source)
        running = Running(directory, app, *options, **more)  # type: ignore[arg-type]
        started.append(running.process)
        return running

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
            process.wait(PATIENCE)


# --help, --version, wrong arguments


def test_help_has_every_option_with_its_default(tmp_path: Path) -> None:
    done = run(tmp_path, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    defaults = {
        "--check-config": "off",
        "--threads": "1",
        "--chdir": "the current one",
        "--pythonpath": "none; the working directory is always one",
        "--env": "none",
        "--umask": "as inherited",
        "--bind": "the sockets that systemd hands over with LISTEN_FDS, else 127.0.0.1:3031",
        "--socket-mode": "660",
        "--backlog": "1024",
        "--uwsgi-allow-from": "127.0.0.1,::1",
        "--max-connections": "1024",
        "--max-body": "1g",
        "--header-timeout": "10",
        "--body-timeout": "30",
        "--write-timeout": "60",
        "--graceful-timeout": "30",
        "--keepalive": "0",
        "--access-logfile": "none",
        "--access-logformat": "combined",
        "--error-logfile": "-",
        "--log-level": "info",
    }
    # Each option begins a line with two spaces, and the next one begins after its default.
    options = re.split(r"^  (?=-)", done.stdout, flags=re.MULTILINE)[1:]
    shown = {}
    for text in options:
        names = re.findall(r"(?<!\S)--[a-z-]+", text.split("  ")[0])
        default = re.search(r"\[default: (.*?)\]", " ".join(text.split()))
        shown.update({name: default and default[1] for name in names})
    assert {name: shown.get(name) for name in defaults} == defaults
    assert set(shown) - set(defaults) == {"--help", "--version", "--keep-alive", "--log-file"}
    assert {name for action in cli._parser()._actions for name in action.option_strings if name[:2] == "--"} == set(
        shown
    )


def test_the_version(tmp_path: Path) -> None:
    done = run(tmp_path, "--version")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"uwsgi-wsgi {uwsgi_wsgi.__version__}\n", "")
    script = Path(sys.executable).with_name("uwsgi-wsgi")
    assert subprocess.check_output([script, "--version"], text=True, timeout=PATIENCE) == done.stdout


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("argument", ["--help", "--version"])
def test_a_message_that_cannot_be_printed_is_an_error(argument: str, unbuffered: str) -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [*COMMAND, argument],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=PATIENCE,
            env=os.environ | {"PYTHONUNBUFFERED": unbuffered},
        )
    message = "uwsgi-wsgi: error: cannot write to standard output: No space left on device\n"
    assert (done.returncode, done.stderr) == (1, message)


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_closed_reader_of_the_help_is_no_error(unbuffered: str) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [*COMMAND, "--help"],
        stdout=writer,
        stderr=subprocess.PIPE,
        text=True,
        timeout=PATIENCE,
        env=os.environ | {"PYTHONUNBUFFERED": unbuffered},
    )
    os.close(writer)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "the following arguments are required: APP"),
        (["shop", "shop"], "unrecognized arguments: shop"),
        (["shop", "--thread", "2"], "unrecognized arguments: --thread 2"),
        (["shop", "--threads"], "argument --threads: expected one argument"),
        (["a/b:c"], "argument APP: 'a/b' is not a Python file: write path/to/file.py:callable or module:callable"),
        (["shop:1"], "argument APP: '1' is neither a name nor a call such as create_app()"),
        (
            ["shop", "-b", "localhost"],
            "argument -b/--bind: 'localhost' has no port from 0 to 65535: write host:port, or",
        ),
        (
            ["shop", "--socket-mode", "rw"],
            "argument --socket-mode: 'rw' is not a file mode: write three digits from 0 to",
        ),
        (["shop", "--backlog", "0"], "argument --backlog: '0' is not a number from 1 to 65535"),
        (["shop", "--threads", "0"], "argument --threads: '0' is not a number from 1 to 65535"),
        (["shop", "--max-connections", "x"], "argument --max-connections: 'x' is not a number from 1 to 65535"),
        (["shop", "-e", "A"], "argument -e/--env: 'A' is not an environment variable: write NAME=VALUE"),
        (["shop", "--umask", "9"], "argument --umask: '9' is not a file mode: write three digits from 0 to 7"),
        (["shop", "--uwsgi-allow-from", "x"], "argument --uwsgi-allow-from: "),
        (["shop", "--uwsgi-allow-from", "10.0.0.0/33"], "argument --uwsgi-allow-from: "),
        (
            ["shop", "--max-body", "10t"],
            "argument --max-body: '10t' is not a number of bytes: write 512, 64k, 10m or 1g",
        ),
        (
            ["shop", "--header-timeout", "0"],
            "argument --header-timeout: '0' is not a time to wait: it has to be more than",
        ),
        (["shop", "--body-timeout", "1m"], "argument --body-timeout: '1m' is not a time in seconds: write 10 or 0.5"),
        (["shop", "--write-timeout", "-1"], "argument --write-timeout: '-1' is not a time in seconds: write 10 or 0.5"),
        (["shop", "--graceful-timeout", "x"], "argument --graceful-timeout: 'x' is not a time in seconds: write 10 or"),
        (["shop", "--keepalive", "1d"], "argument --keepalive/--keep-alive: '1d' is not a time in seconds"),
        (["shop", "--access-logformat", "%(x"], "argument --access-logformat: "),
        (
            ["shop", "--log-level", "loud"],
            "argument --log-level: 'loud' is not a level: write critical, error, warning,",
        ),
    ],
)
def test_a_wrong_argument_is_one_line(tmp_path: Path, arguments: list[str], message: str) -> None:
    (tmp_path / "shop.py").write_text(HELLO)
    error = error_of(tmp_path, *arguments, "--bind", "unix:s", status=2)
    assert error.startswith(message)
    assert len(error) > len("argument --uwsgi-allow-from: ") and "\n" not in error
    assert not (tmp_path / "s").exists()


def test_every_option_with_a_value_can_be_wrong() -> None:
    marks = test_a_wrong_argument_is_one_line.pytestmark  # type: ignore[attr-defined]
    tested = {word for mark in marks for case in mark.args[1] for word in case[0] if word.startswith("-")}
    # These take any text. Below are tests of texts that name nothing.
    free = {"--chdir", "--pythonpath", "--access-logfile", "--error-logfile", "--check-config", "--help", "--version"}
    actions = [action for action in cli._parser()._actions if action.option_strings]
    untested = [action for action in actions if not tested & set(action.option_strings)]
    assert {action.option_strings[-1 if action.dest == "help" else 0] for action in untested} == free


@pytest.mark.parametrize("check", [[], ["--check-config"]])
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--chdir", "nosuch"], "--chdir: cannot enter nosuch: No such file or directory"),
        (["--chdir", "shop.py"], "--chdir: cannot enter shop.py: Not a directory"),
        (["--pythonpath", "lib,nosuch"], "--pythonpath: {directory}/nosuch does not exist"),
        (["--access-logfile", "nosuch/log"], "--access-logfile: cannot write nosuch/log: No such file or directory"),
        (["--error-logfile", "lib"], "--error-logfile: cannot write lib: Is a directory"),
        (["--log-file", "shop.py/x"], "--error-logfile: cannot write shop.py/x: Not a directory"),
    ],
)
def test_what_is_not_there_is_named(tmp_path: Path, arguments: list[str], message: str, check: list[str]) -> None:
    (tmp_path / "shop.py").write_text(HELLO)
    (tmp_path / "lib").mkdir()
    error = error_of(tmp_path, "shop", "--bind", "unix:s", *arguments, *check)
    assert error == message.format(directory=tmp_path)


# what cannot be imported, called or bound


@pytest.mark.parametrize("check", [[], ["--check-config"]])
@pytest.mark.parametrize(
    ("app", "message", "files"),
    [
        ("nosuch", "there is no module nosuch in {directory} or elsewhere in sys.path: set the directory of the", []),
        ("shpo:app", "there is no module shpo in {directory} or elsewhere in sys.path: did you mean shop?", []),
        ("nosuch.py:app", "{directory}/nosuch.py does not exist", []),
        ("shop:aplication", "shop ({directory}/shop.py) has no aplication: did you mean application?", []),
        ("shop:number", "shop:number is an object of type int, which cannot be called as a WSGI application", []),
        ("shop:make", "shop:make is a function that does not take environ and start_response: if it is a factory,", []),
        (
            "shop:make(1, 2)",
            "cannot call shop:make(1, 2): TypeError: make() takes 1 positional argument but 2 were",
            [],
        ),
        (
            "shop:make(0)",
            "cannot call shop:make(0): ZeroDivisionError: division by zero ({directory}/shop.py, line",
            ["shop"],
        ),
        ("shop:make(1)", "shop:make(1) returned an object of type float, which cannot be called as a WSGI", []),
        (
            "needs:app",
            "cannot import needs: ModuleNotFoundError: No module named 'nosuchlibrary' ({directory}/needs",
            ["needs"],
        ),
        (
            "outer.py:app",
            "cannot import {directory}/outer.py: ModuleNotFoundError: No module named",
            ["outer", "needs"],
        ),
        (
            "broken:app",
            "cannot import broken: SyntaxError: '(' was never closed ({directory}/broken.py, line 1)",
            ["broken"],
        ),
        ("exits:app", "cannot import exits: SystemExit: no settings ({directory}/exits.py, line 2)", ["exits"]),
    ],
)
def test_what_cannot_be_loaded(tmp_path: Path, app: str, message: str, files: list[str], check: list[str]) -> None:
    sources = {
        "shop": HELLO + "number = 3\ndef make(by): return 1 / by\n",
        "needs": "import nosuchlibrary\n",
        "outer": "import needs\n",
        "broken": "app = (\n",
        "exits": "import sys\nsys.exit('no settings')\n",
    }
    for name, source in sources.items():
        (tmp_path / f"{name}.py").write_text(source)
    error = error_of(tmp_path, app, "--bind", "unix:s", *check)
    assert error.startswith(message.format(directory=tmp_path))
    # The message is the first line. A traceback follows if the application's own code failed.
    assert re.findall(r'^  File "(.*)", line', error, re.MULTILINE) == [str(tmp_path / f"{name}.py") for name in files]
    assert ("\n" in error) == bool(files)
    assert not (tmp_path / "s").exists()


def test_what_cannot_be_bound(tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text(HELLO)
    (tmp_path / "precious").write_text("precious")
    with socket.create_server(("127.0.0.1", 0)) as taken, socket.socket(socket.AF_UNIX) as taken_path:
        address = "127.0.0.1:{}".format(taken.getsockname()[1])
        taken_path.bind(str(tmp_path / "taken"))
        taken_path.listen()
        for bind, message in (
            (address, f"{address} is in use: stop the server that listens there, or choose another address"),
            ("unix:taken", "taken is in use: stop the server that listens there, or choose another path"),
            ("unix:precious", "precious is there and is no socket: move it away, or choose another path"),
            (
                "unix:nosuch/s",
                "cannot listen at nosuch/s: ",
            ),
            ("192.0.2.1:3031", "cannot listen at 192.0.2.1:3031: "),
            ("no-such-host.invalid:3031", "cannot listen at no-such-host.invalid:3031: "),
            (
                "fd://9",
                "descriptor 9 was not handed over: LISTEN_FDS has to count it, and LISTEN_PID to name this process",
            ),
        ):
            # What was bound before it is closed.
            error = error_of(tmp_path, "shop", "--bind", "unix:s", "--bind", bind)
            assert error.startswith(message) and "\n" not in error
            assert not (tmp_path / "s").exists()
    assert (tmp_path / "precious").read_text() == "precious"


@pytest.mark.parametrize(
    ("package", "module", "asks"),
    [("gevent", "monkey", "is_module_patched"), ("eventlet", "patcher", "is_monkey_patched")],
)
def test_monkey_patching_is_refused(tmp_path: Path, package: str, module: str, asks: str) -> None:
    (tmp_path / package).mkdir()
    (tmp_path / package / "__init__.py").touch()
    source = f"patched = set()\ndef {asks}(name): return name in patched\ndef patch(): patched.add('socket')\n"
    (tmp_path / package / f"{module}.py").write_text(source)
    (tmp_path / "shop.py").write_text(f"import {package}.{module}\n{HELLO}")
    assert run(tmp_path, "shop", "--check-config").returncode == 0
    (tmp_path / "shop.py").write_text(f"from {package} import {module}\n{module}.patch()\n{HELLO}")
    for check in ([], ["--check-config"]):
        assert error_of(tmp_path, "shop", "--bind", "unix:s", *check) == (
            f"the application uses {package}'s monkey patching, which does not work with the threads of this server: "
            "remove the patching, and choose the number of threads with --threads"
        )


# --check-config


def test_a_check_imports_the_application_and_touches_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text(f"open('imported', 'w')\n{HELLO}")
    logs = ("--access-logfile", "access.log", "--error-logfile", "error.log")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        in_use = "127.0.0.1:{}".format(taken.getsockname()[1])
        done = run(tmp_path, "shop", "--check-config", "--bind", in_use, "--bind", "unix:s", *logs)
    message = "uwsgi-wsgi: the options are valid, and shop can be imported and called\n"
    assert (done.returncode, done.stdout, done.stderr) == (0, message, "")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["imported", "shop.py"]


def test_a_check_looks_at_logs_that_are_there(tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text(HELLO)
    (tmp_path / "log").write_text("kept")
    assert run(tmp_path, "shop", "--check-config", "--error-logfile", "log").returncode == 0
    assert (tmp_path / "log").read_text() == "kept"
    (tmp_path / "directory").mkdir()
    error = error_of(tmp_path, "shop", "--check-config", "--access-logfile", "directory")
    assert error == "--access-logfile: cannot write directory: Is a directory"


# the process of the application


def test_the_start_is_logged_and_standard_output_is_the_applications(start: Start) -> None:
    port = free_port()
    running = start("shop:application", "--bind", f"127.0.0.1:{port}", "--threads", "3")
    assert get(running.address).body == b"hello" == get(f"127.0.0.1:{port}").body
    pid = running.process.pid
    assert re.fullmatch(
        rf"(\[\d{{4}}-\d\d-\d\d \d\d:\d\d:\d\d \+0000\] \[{pid}\] \[INFO\] .*\n){{4}}", running.stderr.text
    )
    status, log = running.end()
    version = ".".join(map(str, sys.version_info[:3]))
    assert log == (
        f"[INFO] uwsgi-wsgi {uwsgi_wsgi.__version__} with Python {version}, pid {pid}\n"
        "[INFO] listening at s\n"
        f"[INFO] listening at 127.0.0.1:{port}\n"
        "[INFO] threads: 3, application: shop:application\n"
        "[INFO] stopping after SIGTERM: what has begun is finished within 30 seconds\n"
        "[INFO] stopped\n"
    )
    assert (status, running.stdout.text) == (0, "")


def test_the_threads_are_made_by_python(start: Start) -> None:
    running = start("shop", "--threads", "2", source=EVALUATE)
    names = running.evaluate("sorted(thread.name for thread in threading.enumerate())")
    assert names == '["MainThread", "uwsgi-wsgi-1", "uwsgi-wsgi-2"]'
    assert running.evaluate("threading.current_thread().name")[1:-2] == "uwsgi-wsgi-"
    # Threads that the application makes have the size that they would have without this server.
    assert running.evaluate("threading.stack_size()") == "0"
    assert running.end()[0] == 0


def test_recursion_ends_with_an_exception_on_a_machine_with_small_stacks(start: Start) -> None:
    recursion = "\ndef deep(n):\n    return max([n], key=lambda n: deep(n + 1))\n"
    recursion += "def depth():\n    try:\n        deep(0)\n    except RecursionError:\n        return 'caught'\n"
    # Each step needs about 500 bytes of the stack of C, so that 6,000 steps need more than 1 MiB.
    command: tuple[str, ...] = ("sh", "-c", 'ulimit -s 1024 && exec "$@"', "sh", *COMMAND)
    running = start("shop", source=f"{EVALUATE}{recursion}\nsys.setrecursionlimit(12_000)\n", command=command)
    assert running.evaluate("depth()") == '"caught"'
    assert running.end()[0] == 0


def test_what_belongs_to_the_application_is_untouched(start: Start) -> None:
    expressions = [
        "[repr(handler) for handler in __import__('logging').root.handlers]",
        "__import__('logging').root.level",
        "sorted(__import__('logging').Logger.manager.loggerDict)",
        "[repr(each) for each in __import__('warnings').filters]",
        "[sys.excepthook is sys.__excepthook__, threading.excepthook is threading.__excepthook__]",
        "[sys.stdout is sys.__stdout__, sys.stderr is sys.__stderr__, sys.stderr.line_buffering]",
        "[str(__import__('signal').getsignal(n)) for n in (1, 3, 10, 12, 13, 17)]",
        "sorted(__import__('signal').pthread_sigmask(0, []))",
        "[sys.getswitchinterval(), sys.getrecursionlimit(), __import__('gc').isenabled(), os.umask(os.umask(0))]",
        "__import__('faulthandler').is_enabled()",
        "__import__('locale').setlocale(0)",
    ]
    running = start("shop", source=EVALUATE)
    code = "import json, os, sys, threading\n"
    for expression in expressions:
        code += f"print(json.dumps({expression}))\n"
    plain = subprocess.check_output([sys.executable, "-c", code], env=environment(), text=True, timeout=PATIENCE)
    assert [running.evaluate(expression) for expression in expressions] == plain.splitlines()
    assert running.end()[0] == 0


def test_env_chdir_pythonpath_and_umask_hold_when_the_application_is_imported(start: Start, tmp_path: Path) -> None:
    for name in ("first", "second", "site"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "which.py").write_text(f"which = '{name}'\n")
    (tmp_path / "site" / "only.py").write_text("")
    source = "import os, sys\nimport only\nfrom which import which\nseen = [os.getcwd(), sys.path[:3], os.environ['COLOUR'], which]\n"
    source += "with open('made', 'w'): pass\n"
    options = ["--chdir", "site", "--pythonpath", "../first,../second", "-e", "COLOUR=red", "--env", "COLOUR=blue=x"]
    options += ["--umask", "027", "--error-logfile", "error.log", "--socket-mode", "600", "--access-logfile", "-"]
    running = start("../shop.py", *options, source=source + EVALUATE, ready="")
    running.wait_until_it_listens(tmp_path / "site" / "s")
    site, paths = str(tmp_path / "site"), [str(tmp_path / name) for name in ("first", "second", "site")]
    # The directory of a file is the first one, as it is with `python file.py`.
    assert running.evaluate("seen") == str([site, [str(tmp_path), *paths[:2]], "blue=x", "first"]).replace("'", '"')
    assert running.evaluate("sys.path[3]") == f'"{site}"'
    assert (tmp_path / "site" / "made").stat().st_mode & 0o777 == 0o640
    assert (tmp_path / "site" / "error.log").stat().st_mode & 0o777 == 0o640
    # --umask does not change the mode of the socket.
    assert running.path.stat().st_mode & 0o777 == 0o600
    status, on_stderr = running.end()
    assert (status, on_stderr) == (0, "")
    assert running.stdout.text.count('"GET / HTTP/1.1" 200') == 2
    assert "[INFO] listening at s\n" in (tmp_path / "site" / "error.log").read_text()


def test_logs_are_appended_to(start: Start, tmp_path: Path) -> None:
    (tmp_path / "log").write_text("earlier\n")
    running = start("shop", "--access-logfile", "log", "--access-logformat", "%(m)s %(U)s")
    assert get(running.address, "/a").code == 200
    # The file was cleared, as logrotate's copytruncate does.
    os.truncate(tmp_path / "log", len("earlier\n"))
    assert get(running.address, "/b").code == 200
    assert running.end()[0] == 0
    assert (tmp_path / "log").read_text() == "earlier\nGET /b\n"


def test_the_level_leaves_lines_out(start: Start) -> None:
    running = start("shop", "--log-level", "warning", ready="")
    running.wait_until_it_listens()
    assert get(running.address).body == b"hello"
    assert running.end() == (0, "")


def test_a_program_that_the_application_starts_inherits_nothing(start: Start) -> None:
    source = """
import subprocess
CODE = '''
import os, signal
# The descriptor that lists the others is closed afterwards.
names = [name for name in os.listdir("/proc/self/fd") if os.path.lexists(f"/proc/self/fd/{name}")]
print(sorted(map(int, names)), signal.pthread_sigmask(0, []))
print([signal.getsignal(signal.SIGTERM) == signal.SIG_DFL, signal.getsignal(signal.SIGINT) == signal.default_int_handler])
'''
def child(): return subprocess.check_output([sys.executable, "-c", CODE], close_fds=False, text=True)
"""
    running = start("shop", "--access-logfile", "access.log", "--error-logfile", "-", source=EVALUATE + source)
    assert running.evaluate("child()") == '"[0, 1, 2] set()\\n[True, True]\\n"'
    assert running.end()[0] == 0


def test_closed_standard_streams(start: Start, tmp_path: Path) -> None:
    command = ("sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", *COMMAND)
    # The log takes the place of standard error, whose number would otherwise be that of the socket.
    running = start("shop", "--error-logfile", "error.log", source=EVALUATE, command=command, ready="")
    running.wait_until_it_listens()
    assert running.evaluate("[os.readlink(f'/proc/self/fd/{n}') for n in range(3)]") == str(["/dev/null"] * 3).replace(
        "'", '"'
    )
    assert running.evaluate("[print('lost'), sys.stdin]") == "[null, null]"
    assert running.end()[0] == 0


# sockets that are handed over


def handed_over(sockets: list[socket.socket], pid: str = "$$") -> tuple[str, ...]:
    """Returns the beginning of a command that gets sockets as systemd hands them over: from descriptor 3 on."""
    # The sockets are passed with numbers above 10, so that no move overwrites another one.
    moves = " ".join(f"{3 + index}<&{each.fileno()} {each.fileno()}<&-" for index, each in enumerate(sockets))
    return ("bash", "-c", f'LISTEN_PID={pid} LISTEN_FDS={len(sockets)} exec "$@" {moves}', "bash", *COMMAND)


@pytest.fixture
def sockets(tmp_path: Path) -> Iterator[list[socket.socket]]:
    """Two listening sockets, with numbers above 10."""
    unix = socket.socket(socket.AF_UNIX)
    unix.bind(str(tmp_path / "s"))
    unix.listen()
    sockets = []
    for each in (unix, socket.create_server(("127.0.0.1", 0))):
        with each:
            duplicate = os.open("/dev/null", os.O_RDONLY)
            os.dup2(each.fileno(), duplicate + 100)
            os.close(duplicate)
            sockets.append(socket.socket(fileno=duplicate + 100))
    yield sockets
    for each in sockets:
        each.close()


def test_inherited_sockets_are_used_if_no_address_is_given(
    start: Start, tmp_path: Path, sockets: list[socket.socket]
) -> None:
    inherited = tuple(each.fileno() for each in sockets)
    running = start("shop", bind=None, command=handed_over(sockets), inherited=inherited)
    tcp = "127.0.0.1:{}".format(sockets[1].getsockname()[1])
    assert get(running.address).body == b"hello" == get(tcp).body
    assert f"listening at {tmp_path}/s\n" in running.stderr.text and f"listening at {tcp}\n" in running.stderr.text
    assert running.end()[0] == 0
    # The file belongs to the process that made the socket.
    assert running.path.exists()


def test_one_of_the_inherited_sockets_can_be_chosen(start: Start, sockets: list[socket.socket]) -> None:
    inherited = tuple(each.fileno() for each in sockets)
    running = start("shop", bind="fd://4", command=handed_over(sockets), inherited=inherited)
    tcp = "127.0.0.1:{}".format(sockets[1].getsockname()[1])
    assert get(tcp).body == b"hello"
    assert re.findall("listening at (.*)", running.stderr.text) == [tcp]
    assert running.end()[0] == 0


def test_sockets_for_another_process_are_not_taken(start: Start, sockets: list[socket.socket]) -> None:
    inherited = tuple(each.fileno() for each in sockets)
    # The default address may be in use on this machine. The message names it in both cases.
    ready = r"listening at 127\.0\.0\.1:3031\n|127\.0\.0\.1:3031 is in use"
    running = start("shop", bind=None, command=handed_over(sockets, pid="1"), inherited=inherited, ready=ready)
    pid = running.process.pid
    warning = f"[WARNING] LISTEN_FDS is not for this process, whose id is {pid}, because LISTEN_PID is not that id\n"
    assert warning in running.stderr.text
    assert running.end()[0] in (0, 1)


# the end


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_lets_begun_requests_finish(start: Start, tmp_path: Path, number: signal.Signals) -> None:
    os.mkfifo(tmp_path / "gate")
    running = start("shop", source=WAIT)
    with Connection(running.address) as connection:
        connection.send_request(vars_of("/"))
        running.stderr.wait_for("the request has begun")
        running.process.send_signal(number)
        running.stderr.wait_for(f"stopping after {number.name}")
        # Front ends that connect now are refused.
        with pytest.raises((FileNotFoundError, ConnectionRefusedError)):
            for _ in range(1_000_000):
                Connection(running.address).close()
        (tmp_path / "gate").write_bytes(b"")
        assert connection.receive_answer().body == b"finished"
    status, log = running.wait()
    assert status == 0
    assert log.endswith("[INFO] stopped\nthe end of Python\n")
    assert not running.path.exists()


def test_a_thread_that_stays_at_work_ends_the_process_with_all_tracebacks(start: Start, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "gate")
    running = start("shop", "--threads", "2", "--graceful-timeout", "0.3", source=WAIT)
    with Connection(running.address) as connection:
        connection.send_request(vars_of("/"))
        running.stderr.wait_for("the request has begun")
        status, log = running.end()
    assert status == 1
    message = r"\[ERROR\] still at work after 0.3 seconds: uwsgi-wsgi-[12]; the tracebacks of all threads follow\n"
    begin = re.search(message, log)
    assert begin
    tracebacks = log[begin.end() :]
    assert re.search(rf'^  File "{tmp_path}/shop.py", line 8 in application$', tracebacks, re.MULTILINE)
    assert len(re.findall(r"^(Current thread|Thread) 0x", tracebacks, re.MULTILINE)) == 3
    assert "the end of Python" not in log and "[INFO] stopped\n" not in log
    assert not running.path.exists()


def test_a_second_signal_ends_the_process_at_once(start: Start, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "gate")
    running = start("shop", source=WAIT)
    with Connection(running.address) as connection:
        connection.send_request(vars_of("/"))
        running.stderr.wait_for("the request has begun")
        running.process.send_signal(signal.SIGTERM)
        running.stderr.wait_for("stopping after SIGTERM")
        status, log = running.end(signal.SIGINT)
    assert (status, log.splitlines()[-1]) == (1, "[CRITICAL] ending at once, after a second SIGINT")
    assert not running.path.exists()


@pytest.mark.parametrize("body", ["[b'x' * 50_000_000]", "iter([b'x' * 50_000_000])"])
def test_an_answer_that_nobody_reads_is_cut_off(start: Start, body: str) -> None:
    source = f"def application(environ, start_response):\n    start_response('200 OK', [])\n    return {body}\n"
    running = start("shop", "--graceful-timeout", "0.5", source=source)
    with Connection(running.address) as connection:
        connection.send_request(vars_of("/"))
        connection.receive_until(b"xxx")
        status, log = running.end()
    assert (status, log.splitlines()[-1]) == (0, "[INFO] stopped")
    assert "[WARNING] an answer was cut off after " in log


@pytest.mark.parametrize("length", [60_000, 200_000])
def test_a_body_that_does_not_arrive_is_refused_at_the_end(start: Start, length: int) -> None:
    """The polling thread waits for a short body. For a long one, it is the application that waits."""
    source = """
def application(environ, start_response):
    if environ["CONTENT_LENGTH"]:
        print("the body is read", file=environ["wsgi.errors"])
        environ["wsgi.input"].read()
    start_response("200 OK", [])
    return []
"""
    running = start("shop", "--graceful-timeout", "0.5", source=source)
    with Connection(running.address) as connection:
        connection.send_request(vars_of("/", length), b"x" * (length - 1))
        if length > 65_536:
            running.stderr.wait_for("the body is read")
        else:
            # The only thread takes connections in their order.
            assert get(running.address).code == 200
        running.process.send_signal(signal.SIGTERM)
        answer = connection.receive_answer()
        assert answer.code == 503, running.stderr.text
    status, log = running.wait()
    assert (status, log.splitlines()[-1]) == (0, "[INFO] stopped")


@pytest.mark.parametrize("swallow", ["", "except: pass\n"])
def test_a_signal_during_the_import(start: Start, swallow: str) -> None:
    wait = "try:\n    print('importing', file=sys.stderr, flush=True)\n    time.sleep(600)\n" + (
        swallow or "finally: pass\n"
    )
    source = (
        f"import atexit, sys, time\natexit.register(lambda: print('exit function', file=sys.stderr))\n{wait}{HELLO}"
    )
    running = start("shop", source=source, ready="importing\n")
    # Front ends can connect already.
    assert running.path.exists()
    assert running.end() == (0, "importing\n[INFO] stopped before the start\nexit function\n")
    assert not running.path.exists()


def test_an_application_that_handles_the_signals_is_stopped_all_the_same(start: Start) -> None:
    handlers = (
        "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nsignal.signal(signal.SIGINT, lambda *_: None)\n"
    )
    # An event loop takes the descriptor away that Python wakes the main thread with.
    handlers += "import asyncio\nasync def main():\n    loop = asyncio.get_running_loop()\n"
    handlers += "    loop.add_signal_handler(10, print)\n    loop.remove_signal_handler(10)\nasyncio.run(main())\n"
    for number in (signal.SIGTERM, signal.SIGINT):
        assert start("shop", source=handlers + HELLO).end(number)[0] == 0


def test_a_signal_that_another_thread_gets_stops_the_server(start: Start) -> None:
    running = start("shop", source=f"import signal\n{EVALUATE}")
    assert running.evaluate("signal.pthread_kill(threading.get_ident(), signal.SIGTERM)") == "null"
    status, log = running.wait()
    assert (status, log.splitlines()[-1]) == (0, "[INFO] stopped")


def test_other_signals_of_the_application_are_handled_in_time(start: Start) -> None:
    source = f"import signal, sys\nsignal.signal(signal.SIGUSR1, lambda *_: print('handled', file=sys.stderr, flush=True))\n{HELLO}"
    running = start("shop", source=source)
    for _ in range(3):
        before = len(running.stderr.text)
        running.process.send_signal(signal.SIGUSR1)
        running.stderr.wait_for("handled\n", before)
    assert get(running.address).body == b"hello"
    assert running.end()[0] == 0


def test_a_child_process_that_the_application_forks_has_pythons_own_handlers(start: Start) -> None:
    source = """
import signal
def child(number):
    ready, into = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.write(into, b"d" if signal.getsignal(signal.SIGTERM) == signal.SIG_DFL else b"h")
            signal.pause()
        except KeyboardInterrupt:
            os._exit(77)
        finally:
            os._exit(78)
    handler = os.read(ready, 1).decode()
    os.kill(pid, number)
    return handler, os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
"""
    running = start("shop", source=EVALUATE + source)
    # The first ends the child, and the second is an exception in it.
    expected = '[["d", -15], ["d", 77], ["d", -15]]'
    assert running.evaluate("[child(signal.SIGTERM), child(signal.SIGINT), child(signal.SIGTERM)]") == expected
    # This process is not stopped by the signals of its children.
    assert running.evaluate("1") == "1"
    assert running.end()[0] == 0


def test_a_thread_of_the_application_cannot_keep_the_process_for_ever(start: Start) -> None:
    source = (
        f"import threading, time\nthreading.Thread(target=time.sleep, args=(600,), name='cleaner').start()\n{HELLO}"
    )
    running = start("shop", "--graceful-timeout", "0", source=source)
    status, log = running.end()
    assert status == 1
    assert "[WARNING] threads of the application still run: cleaner. Python waits 5 seconds for them\n" in log
    assert re.search(r"Timeout \(0:00:05\)!\nThread 0x", log)


def test_a_signal_ends_a_process_whose_start_has_failed(start: Start) -> None:
    source = "import threading, time\nthreading.Thread(target=time.sleep, args=(600,), name='cleaner').start()\n"
    running = start("shop", source=source, ready="uwsgi-wsgi: error: .*\n")
    status, log = running.end()
    assert status == -signal.SIGTERM
    assert log.splitlines() == [
        "[WARNING] threads of the application still run: cleaner. Python waits 30 seconds for them",
        f"uwsgi-wsgi: error: shop ({running.path.parent}/shop.py) has no application: write module:callable",
    ]
