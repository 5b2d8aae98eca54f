"""How the application is named, found, imported and checked."""

import os
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from uwsgi_wsgi import loader
from uwsgi_wsgi.loader import AppReference, LoadError
from uwsgi_wsgi.signals import StopRequested

APPLICATION = """
def application(environ, start_response):
    start_response("200 OK", [])
    return [b"hello"]
"""

Write = Callable[[str, str], Path]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Write]:
    """Writes files of an application into the working directory. Afterwards its modules are forgotten."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    before = set(sys.modules)

    def write(name: str, source: str) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source)
        return path

    yield write
    for name in set(sys.modules) - before:
        del sys.modules[name]


def load(text: str) -> object:
    return loader.load(AppReference.parse(text))


def error_of(text: str) -> LoadError:
    with pytest.raises(LoadError) as error:
        load(text)
    return error.value


def files_of(error: LoadError) -> list[str]:
    """Returns the files of the traceback's frames."""
    return re.findall(r'^  File "(.*)", line', error.traceback, re.MULTILINE)


@pytest.mark.parametrize(
    ("text", "module", "path", "name", "args", "kwargs"),
    [
        ("shop", "shop", "", "application", None, ()),
        ("shop.wsgi", "shop.wsgi", "", "application", None, ()),
        ("shop:app", "shop", "", "app", None, ()),
        ("shop:make()", "shop", "", "make", (), ()),
        ("shop:make('a:b', 3, debug=True)", "shop", "", "make", ("a:b", 3), (("debug", True),)),
        ("shop:make([1, {'a': None}], (-1.5,))", "shop", "", "make", ([1, {"a": None}], (-1.5,)), ()),
        ("my-shop:app", "my-shop", "", "app", None, ()),
        ("shop.py", "", "shop.py", "application", None, ()),
        ("/srv/a:b/shop.py:app", "", "/srv/a:b/shop.py", "app", None, ()),
        ("../shop.py:make(1)", "", "../shop.py", "make", (1,), ()),
        ("shop:make('x.py')", "shop", "", "make", ("x.py",), ()),
    ],
)
def test_references(text: str, module: str, path: str, name: str, args: object, kwargs: object) -> None:
    parsed = AppReference.parse(text)
    assert (parsed.module, parsed.path, parsed.name, parsed.args, parsed.kwargs) == (module, path, name, args, kwargs)
    assert str(parsed) == text


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "'' is not the name of a module: write module:callable"),
        (":app", "'' is not the name of a module: write module:callable"),
        (".shop:app", "'.shop' is not the name of a module: write module:callable"),
        ("shop.:app", "'shop.' is not the name of a module: write module:callable"),
        ("srv/shop:app", "'srv/shop' is not a Python file: write path/to/file.py:callable or module:callable"),
        ("shop:", "'' is neither a name nor a call such as create_app()"),
        ("shop.py:", "'' is neither a name nor a call such as create_app()"),
        ("shop:app.wsgi", "'app.wsgi' is neither a name nor a call such as create_app()"),
        ("shop:make()()", "'make()()' is neither a name nor a call such as create_app()"),
        ("shop:app.make()", "'app.make()' is neither a name nor a call such as create_app()"),
        ("shop:make(", "'make(' is neither a name nor a call such as create_app()"),
        ("shop:1", "'1' is neither a name nor a call such as create_app()"),
        ("shop:a\0", "'a\\x00' is neither a name nor a call such as create_app()"),
        ("shop:make(x)", "in 'make(x)': the arguments have to be literals, such as 'text' or 3"),
        ("shop:make(open('/etc/passwd'))", "in \"make(open('/etc/passwd'))\": the arguments have to be literals"),
        ("shop:make(*[1])", "in 'make(*[1])': the arguments have to be literals"),
        ("shop:make({[]: 1})", "in 'make({[]: 1})': the arguments have to be literals"),
        ("shop:make(**{'a': 1})", "in \"make(**{'a': 1})\": write out the arguments instead of **"),
    ],
)
def test_wrong_references(text: str, reason: str) -> None:
    with pytest.raises(ValueError) as error:
        AppReference.parse(text)
    assert str(error.value).startswith(reason)


def test_the_spellings_find_the_application(write: Write) -> None:
    write("shop.py", APPLICATION + "app = application\ndef make(*args, **kwargs):\n    return Made(args, kwargs)\n")
    write(
        "shop.py",
        Path("shop.py").read_text() + "class Made:\n    def __init__(self, *given):\n        self.given = given\n",
    )
    write(
        "shop.py", Path("shop.py").read_text() + "    def __call__(self, environ, start_response):\n        return []\n"
    )
    application = load("shop")
    assert (
        application is load("shop:app") is load("shop.py") is load("./shop.py:app") is load(os.path.abspath("shop.py"))
    )
    assert load("shop:make(1, 'a', b=[2])").given == ((1, "a"), {"b": [2]})  # type: ignore[attr-defined]
    assert load("shop.py:make()").given == ((), {})  # type: ignore[attr-defined]


def test_a_file_can_import_its_neighbours(write: Write) -> None:
    write("srv/neighbour.py", APPLICATION)
    path = write("srv/my-shop.py", "from neighbour import application\n")
    assert load(f"{path}:application") is sys.modules["neighbour"].application
    # `import` and pickle find the module again.
    assert sys.modules["my-shop"].__file__ == str(path)
    assert sys.path[0] == str(path.parent)


def test_a_file_of_a_package_is_imported_as_its_module(write: Write) -> None:
    write("src/project/__init__.py", "")
    write("src/project/web/__init__.py", "from project.web.views import application\n")
    write("src/project/web/views.py", APPLICATION)
    path = write("src/project/web/wsgi.py", "from .views import application\nname = __name__\n")
    application = load(f"{path}:application")
    assert application is sys.modules["project.web.views"].application
    assert sys.modules["project.web.wsgi"].name == "project.web.wsgi"
    assert load(str(path.with_name("__init__.py"))) is application
    assert sys.path[0] == str(path.parents[2])


def test_files_that_cannot_be_imported(write: Write) -> None:
    path = write("json.py", APPLICATION)
    assert str(error_of("nosuch.py")) == f"{path.with_name('nosuch.py')} does not exist"
    write("directory.py/inner", "")
    assert str(error_of("directory.py")) == f"{path.with_name('directory.py')} is not a file"
    import json

    reason = f"cannot import {path} as json: json ({json.__file__}) has that name already: rename the file"
    assert str(error_of("json.py")) == reason


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (
            "nosuch:app",
            "there is no module nosuch in {cwd} or elsewhere in sys.path: set the directory of the application",
        ),
        ("shpo:app", "there is no module shpo in {cwd} or elsewhere in sys.path: did you mean shop?"),
        (
            "shop.app",
            "there is no module shop.app, because shop ({cwd}/shop.py) is not a package: did you mean shop:app?",
        ),
        ("shop.nosuch", "there is no module shop.nosuch, because shop ({cwd}/shop.py) is not a package"),
        (
            "site_.wsgj",
            "there is no module site_.wsgj in the package site_ ({cwd}/site_/__init__.py): did you mean wsgi?",
        ),
        ("site_.x.y", "there is no module site_.x in the package site_ ({cwd}/site_/__init__.py)"),
        ("site_", "site_ ({cwd}/site_/__init__.py) has no application: did you mean the module site_.wsgi?"),
        ("shop:aplication", "shop ({cwd}/shop.py) has no aplication: did you mean application?"),
        ("shop.py:zzz", "shop ({cwd}/shop.py) has no zzz: did you mean application or app?"),
        ("empty:zzz", "empty ({cwd}/empty.py) has no zzz: write module:callable"),
        ("shop:number", "shop:number is an object of type int, which cannot be called as a WSGI application"),
        ("shop:nothing", "shop:nothing is None, which cannot be called as a WSGI application"),
        ("shop:number()", "number in shop ({cwd}/shop.py) is an object of type int, and cannot be called as a factory"),
        ("shop:make_nothing()", "shop:make_nothing() returned None, which cannot be called as a WSGI application"),
        (
            "shop:make_nothing(1)",
            "cannot call shop:make_nothing(1): TypeError: make_nothing() takes 0 positional arguments",
        ),
        (
            "shop:make_nothing",
            "shop:make_nothing is a function that does not take environ and start_response: if it is a",
        ),
        ("shop:asgi", "shop:asgi is an asynchronous application (ASGI): this server calls WSGI applications only"),
        ("shop:Asgi()", "shop:Asgi() returned an asynchronous application (ASGI): this server calls WSGI applications"),
    ],
)
def test_what_is_not_there_is_named(write: Write, text: str, reason: str) -> None:
    source = "app = application\nnumber = 3\nnothing = None\ndef make_nothing(): pass\n"
    source += "async def asgi(scope, receive, send): pass\n"
    source += "class Asgi:\n    async def __call__(self, scope, receive, send): pass\n"
    path = write("shop.py", APPLICATION + source)
    write("empty.py", "")
    write("site_/__init__.py", "")
    write("site_/wsgi.py", APPLICATION)
    error = error_of(text)
    assert str(error).startswith(reason.format(cwd=path.parent))
    assert error.traceback == ""


def test_a_missing_import_of_the_application_is_not_a_missing_application(write: Write) -> None:
    path = write("shop.py", "import os\nimport nosuchlibrary.web\n")
    error = error_of("shop:app")
    assert str(error) == (
        f"cannot import shop: ModuleNotFoundError: No module named 'nosuchlibrary' ({path}, line 2): "
        f"install it for {sys.executable}, or add its directory with --pythonpath"
    )
    assert files_of(error) == [str(path)]
    # The application tries to import itself by a wrong name.
    path = write("store/__init__.py", "import store.app\n")
    error = error_of("store.app")
    assert str(error).startswith(
        f"cannot import store.app: ModuleNotFoundError: No module named 'store.app' ({path}, line 1)"
    )
    assert files_of(error) == [str(path)]


@pytest.mark.parametrize("text", ["shop:app", "shop.py:app"])
def test_exceptions_of_the_application_have_only_its_frames(write: Write, text: str) -> None:
    inner = write("inner.py", "def fail():\n    raise RuntimeError('no database\\nat all')\n")
    path = write("shop.py", "import importlib\ninner = importlib.import_module('inner')\ninner.fail()\n")
    error = error_of(text)
    name = "shop" if text == "shop:app" else path
    assert str(error) == f"cannot import {name}: RuntimeError: no database ({inner}, line 2)"
    assert files_of(error) == [str(path), str(inner)]
    assert error.traceback.startswith("Traceback (most recent call last):\n")
    assert error.traceback.endswith("RuntimeError: no database\nat all\n")
    # A module that failed is not there.
    assert "shop" not in sys.modules


def test_causes_have_only_frames_of_the_application_too(write: Write) -> None:
    first = write("first.py", "import nosuchlibrary\n")
    path = write(
        "shop.py", "try:\n    import first\nexcept ImportError as error:\n    raise RuntimeError('no') from error\n"
    )
    error = error_of("shop")
    assert files_of(error) == [str(path), str(first), str(path)]
    assert "The above exception was the direct cause" in error.traceback
    path = write(
        "group.py", "try:\n    import first\nexcept ImportError as e:\n    raise ExceptionGroup('all', [e, e])\n"
    )
    error = error_of("group")
    assert "frozen" not in error.traceback and str(first) in error.traceback and str(path) in error.traceback


def test_a_syntax_error_is_shown_with_its_line(write: Write) -> None:
    path = write("shop.py", "import os\ndef broken(:\n    pass\n")
    for text, name in (("shop:app", "shop"), ("shop.py:app", str(path))):
        error = error_of(text)
        assert str(error) == f"cannot import {name}: SyntaxError: invalid syntax ({path}, line 2)"
        assert error.traceback.startswith(f'  File "{path}", line 2\n    def broken(:\n')


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("import sys\nsys.exit('no settings')\n", "SystemExit: no settings"),
        ("raise KeyboardInterrupt\n", "KeyboardInterrupt"),
        ("class Odd(BaseException):\n    def __str__(self): return 1 / 0\nraise Odd\n", "Odd"),
    ],
)
def test_an_application_cannot_end_the_process(write: Write, source: str, reason: str) -> None:
    path = write("shop.py", source)
    error = error_of("shop")
    assert str(error) == f"cannot import shop: {reason} ({path}, line {source.count(chr(10))})"
    assert files_of(error) == [str(path)]


def test_a_factory_that_fails(write: Write) -> None:
    path = write(
        "shop.py",
        "def make(fails):\n    fail(fails)\ndef fail(kind):\n    raise kind and TypeError('own') or KeyError(1)\n",
    )
    for argument, reason in ((True, "TypeError: own"), (False, "KeyError: 1")):
        error = error_of(f"shop:make({argument})")
        assert str(error) == f"cannot call shop:make({argument}): {reason} ({path}, line 4)"
        assert files_of(error) == [str(path), str(path)]


def test_attributes_that_the_module_computes(write: Write) -> None:
    path = write("shop.py", APPLICATION + "def __getattr__(name):\n    return {'app': application}[name]\n")
    assert load("shop:app") is load("shop:application")
    error = error_of("shop:other")
    assert str(error) == f"cannot get other from shop ({path}): KeyError: 'other' ({path}, line 6)"
    assert files_of(error) == [str(path)]


def test_callables_whose_arguments_are_not_certain(write: Write) -> None:
    source = """
    import functools

    def responder(function):
        @functools.wraps(function)
        def application(*args):
            return function(args[0])
        return application

    @responder
    def wrapped(request): return []

    class Instances:
        def __init__(self, environ, start_response): pass
        def __iter__(self): return iter([])

    class Object:
        def method(self, environ, start_response): return []
        def short(self, environ): return []

    method = Object().method
    short = Object().short
    partial = functools.partial(lambda a, environ, start_response: [], 1)
    optional = lambda environ, start_response, more=None: []
    """
    write("shop.py", "\n".join(line.removeprefix("    ") for line in source.splitlines()))
    for name in ("wrapped", "Instances", "method", "partial", "optional"):
        assert callable(load(f"shop:{name}"))
    assert "does not take environ and start_response" in str(error_of("shop:short"))


def test_a_stop_during_the_import_is_no_error_of_the_application(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    signal = ModuleType("signal_of_test")
    signal.Stop = StopRequested  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "signal_of_test", signal)
    write("shop.py", "import signal_of_test\nraise signal_of_test.Stop\n")
    write(
        "factory.py",
        "import signal_of_test\ndef make():\n    raise signal_of_test.Stop\n__getattr__ = lambda name: make()\n",
    )
    for text in ("shop", "shop.py", "factory:make()", "factory:app"):
        with pytest.raises(StopRequested):
            load(text)


def test_the_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    monkeypatch.setattr(sys, "path", ["/first", str(tmp_path / "b")])
    loader.prepend_to_path(["a", str(tmp_path / "b")])
    assert sys.path == [str(tmp_path / "a"), str(tmp_path / "b"), "/first"]
    with pytest.raises(LoadError, match=f"--pythonpath: {tmp_path}/c does not exist"):
        loader.prepend_to_path(["c"])


@pytest.mark.parametrize(
    ("module", "asks", "name"),
    [("gevent.monkey", "is_module_patched", "gevent"), ("eventlet.patcher", "is_monkey_patched", "eventlet")],
)
def test_monkey_patching_is_refused(monkeypatch: pytest.MonkeyPatch, module: str, asks: str, name: str) -> None:
    loader.refuse_monkey_patching()
    for patched in ("socket", "threading", "ssl"):
        monkeypatch.setitem(
            sys.modules, module, SimpleNamespace(**{asks: lambda what, patched=patched: what == patched})
        )
        if patched == "ssl":
            loader.refuse_monkey_patching()
            continue
        with pytest.raises(LoadError, match=f"uses {name}'s monkey patching, which does not work with the threads"):
            loader.refuse_monkey_patching()
