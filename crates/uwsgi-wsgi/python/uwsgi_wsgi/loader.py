"""Finds and imports the application that the command line names."""

import ast
import difflib
import importlib
import importlib.util
import inspect
import os
import pkgutil
import re
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from types import FunctionType, MethodType, ModuleType, TracebackType
from typing import Any

from uwsgi_wsgi.signals import StopRequested

Application = Callable[..., Any]

_DEFAULT_NAME = "application"
_USUAL_NAMES = (_DEFAULT_NAME, "app", "wsgi_app", "create_app", "make_app")


class LoadError(Exception):
    """Why an application could not be loaded, and the traceback if the application's own code failed."""

    def __init__(self, message: str, traceback_of_application: str = "") -> None:
        super().__init__(message)
        self.traceback = traceback_of_application


@dataclass(frozen=True, slots=True)
class AppReference:
    """The argument APP: where the application is."""

    text: str
    # One of these two is empty.
    module: str
    path: str
    name: str
    # The arguments of a factory. None if the name is the application itself.
    args: tuple[Any, ...] | None = None
    kwargs: tuple[tuple[str, Any], ...] = ()

    @classmethod
    def parse(cls, text: str) -> "AppReference":
        """Parses `module:callable`, `module:factory(literals)` or `path/to/file.py:callable`.

        A module or a file alone has the callable `application`. Raises ValueError, which says what to write instead.
        """
        file = re.fullmatch(r"(?s)(?P<path>.+?\.py)(?::(?P<expression>.*))?", text)
        if file:
            module, path, expression = "", file["path"], file["expression"]
        else:
            module, colon, rest = text.partition(":")
            path, expression = "", rest if colon else None
            if "/" in module:
                raise ValueError(f"{module!r} is not a Python file: write path/to/file.py:callable or module:callable")
            if not all(module.split(".")):
                raise ValueError(f"{module!r} is not the name of a module: write module:callable")
        name, args, kwargs = _parse_callable(_DEFAULT_NAME if expression is None else expression)
        return cls(text, module, path, name, args, kwargs)

    def __str__(self) -> str:
        return self.text


def _parse_callable(expression: str) -> tuple[str, tuple[Any, ...] | None, tuple[tuple[str, Any], ...]]:
    """Returns the name, and the arguments of a call. gunicorn 27.0.1 reads the same in `util.import_app`."""
    wrong = ValueError(f"{expression!r} is neither a name nor a call such as create_app()")
    try:
        node = ast.parse(expression, mode="eval").body
    except (SyntaxError, ValueError):
        raise wrong from None
    match node:
        case ast.Name(id=name):
            return name, None, ()
        case ast.Call(func=ast.Name(id=name), args=args, keywords=keywords):
            if any(keyword.arg is None for keyword in keywords):
                raise ValueError(f"in {expression!r}: write out the arguments instead of **")
            try:
                values = tuple(ast.literal_eval(arg) for arg in args)
                return name, values, tuple((str(word.arg), ast.literal_eval(word.value)) for word in keywords)
            except (ValueError, TypeError):
                raise ValueError(f"in {expression!r}: the arguments have to be literals, such as 'text' or 3") from None
    raise wrong


def prepend_to_path(directories: Sequence[str]) -> None:
    """Puts directories at the beginning of `sys.path`, in this order. Relative ones belong to the working directory.

    Raises LoadError if one does not exist.
    """
    for directory in reversed(directories):
        directory = os.path.abspath(directory)
        if not os.path.exists(directory):
            raise LoadError(f"--pythonpath: {directory} does not exist")
        if directory in sys.path:
            sys.path.remove(directory)
        sys.path.insert(0, directory)


def load(reference: AppReference) -> Application:
    """Imports the module, and returns the application. Raises LoadError."""
    module = _import_file(reference.path) if reference.path else _import_module(reference.module)
    found = _attribute(module, reference)
    if reference.args is None:
        return _checked(found, reference)
    if not callable(found):
        raise LoadError(
            f"{reference.name} in {_described(module)} is {_kind(found)}, and cannot be called as a factory"
        )
    try:
        application = found(*reference.args, **dict(reference.kwargs))
    except StopRequested:
        raise
    except BaseException as error:
        if isinstance(error, TypeError) and _application_frames(error.__traceback__) is None:
            raise LoadError(f"cannot call {reference.text}: {_one_line(error)}") from None
        raise _failure(f"cannot call {reference.text}", error) from None
    return _checked(application, reference)


def refuse_monkey_patching() -> None:
    """Raises LoadError if gevent or eventlet has replaced the threads or sockets of the standard library."""
    for name, module, asks in (
        ("gevent", "gevent.monkey", "is_module_patched"),
        ("eventlet", "eventlet.patcher", "is_monkey_patched"),
    ):
        is_patched = getattr(sys.modules.get(module), asks, None)
        if is_patched is not None and any(is_patched(what) for what in ("socket", "thread", "threading")):
            raise LoadError(
                f"the application uses {name}'s monkey patching, which does not work with the threads of this server: "
                f"remove the patching, and choose the number of threads with --threads"
            )


def _import_module(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except StopRequested:
        raise
    except BaseException as error:
        missing = error.name if isinstance(error, ModuleNotFoundError) else None
        # An import that fails in the application's own code has its frames.
        if missing and f"{name}.".startswith(f"{missing}.") and _application_frames(error.__traceback__) is None:
            raise LoadError(_missing_module(missing)) from None
        raise _failure(f"cannot import {name}", error) from None


def _import_file(path: str) -> ModuleType:
    """Imports a file, or a file of a package as a module of the package. Its directory is the first of `sys.path`."""
    path = os.path.abspath(path)
    if not os.path.isfile(path):
        raise LoadError(f"{path} does not exist" if not os.path.exists(path) else f"{path} is not a file")
    directory, name = os.path.dirname(path), os.path.basename(path).removesuffix(".py")
    packages: list[str] = []
    while os.path.isfile(os.path.join(directory, "__init__.py")):
        directory, package = os.path.split(directory)
        packages.insert(0, package)
    prepend_to_path([directory])
    if packages:
        # The file may import its package by name, and other modules of it relative to itself.
        name = ".".join(packages if name == "__init__" else [*packages, name])
        module = _import_module(name)
    else:
        module = sys.modules.get(name) or _execute_file(path, name)
    if not (getattr(module, "__file__", None) and os.path.samefile(str(module.__file__), path)):
        raise LoadError(f"cannot import {path} as {name}: {_described(module)} has that name already: rename the file")
    return module


def _execute_file(path: str, name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise LoadError(f"{path} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except StopRequested:
        raise
    except BaseException as error:
        sys.modules.pop(name, None)
        raise _failure(f"cannot import {path}", error) from None
    return module


def _attribute(module: ModuleType, reference: AppReference) -> object:
    try:
        return getattr(module, reference.name)
    except StopRequested:
        raise
    except AttributeError:
        raise LoadError(_missing_attribute(module, reference)) from None
    except BaseException as error:  # from a __getattr__ of the module
        raise _failure(f"cannot get {reference.name} from {_described(module)}", error) from None


def _checked(application: object, reference: AppReference) -> Application:
    """Returns the application if it can be called as one (PEP 3333, "The Application/Framework Side")."""
    is_factory = reference.args is not None
    subject = f"{reference.text} {'returned' if is_factory else 'is'}"
    if not callable(application):
        raise LoadError(f"{subject} {_kind(application)}, which cannot be called as a WSGI application")
    if inspect.iscoroutinefunction(application) or inspect.iscoroutinefunction(type(application).__call__):
        raise LoadError(f"{subject} an asynchronous application (ASGI): this server calls WSGI applications only")
    # Only the signature of a function itself is certain: a decorator may adapt the arguments.
    if isinstance(application, FunctionType | MethodType) and not hasattr(application, "__signature__"):
        try:
            inspect.signature(application, follow_wrapped=False).bind({}, None)
        except TypeError:
            hint = "" if is_factory else f": if it is a factory, write {reference.text}()"
            raise LoadError(f"{subject} a function that does not take environ and start_response{hint}") from None
    return application


def _missing_module(missing: str) -> str:
    parent_name, _, name = missing.rpartition(".")
    parent = sys.modules.get(parent_name)
    if parent is None:
        where, path = f"{os.getcwd()} or elsewhere in sys.path", [os.getcwd()]
        advice = ": set the directory of the application with --chdir or --pythonpath"
    elif hasattr(parent, "__path__"):
        where, path, advice = f"the package {_described(parent)}", list(parent.__path__), ""
    else:
        advice = f": did you mean {parent_name}:{name}?" if hasattr(parent, name) else ""
        return f"there is no module {missing}, because {_described(parent)} is not a package{advice}"
    names = _similar(name, (module.name for module in pkgutil.iter_modules(path)))
    return f"there is no module {missing} in {where}{_did_you_mean(names) or advice}"


def _missing_attribute(module: ModuleType, reference: AppReference) -> str:
    names = [name for name, value in vars(module).items() if callable(value)]
    found = _similar(reference.name, names) or [name for name in _USUAL_NAMES if name in names]
    advice = _did_you_mean(found)
    if not advice and any(
        child.name == "wsgi" for child in pkgutil.iter_modules(getattr(module, "__path__", None) or [])
    ):
        advice = f": did you mean the module {module.__name__}.wsgi?"
    return f"{_described(module)} has no {reference.name}{advice or ': write module:callable'}"


def _similar(name: str, names: Iterable[str]) -> list[str]:
    return difflib.get_close_matches(name, sorted(set(names)), n=3)


def _did_you_mean(names: list[str]) -> str:
    return f": did you mean {' or '.join(names)}?" if names else ""


def _described(module: ModuleType) -> str:
    file = getattr(module, "__file__", None)
    return f"{module.__name__} ({file})" if file else module.__name__


def _kind(value: object) -> str:
    if value is None:
        return "None"
    name = type(value).__name__
    return f"an object of type {name}"


def _failure(what: str, error: BaseException) -> LoadError:
    """Returns the error for an exception of the application."""
    text = _application_traceback(error)
    advice = ""
    if isinstance(error, ModuleNotFoundError) and error.name:
        advice = f": install it for {sys.executable}, or add its directory with --pythonpath"
    return LoadError(f"{what}: {_one_line(error)}{_place(error)}{advice}", text)


def _place(error: BaseException) -> str:
    """Returns the line of the application that raised the exception, and of a syntax error the line that has it."""
    if isinstance(error, SyntaxError):
        return f" ({error.filename}, line {error.lineno})" if error.filename and error.lineno else ""
    frames = traceback.extract_tb(error.__traceback__)
    return f" ({frames[-1].filename}, line {frames[-1].lineno})" if frames else ""


def _one_line(error: BaseException) -> str:
    try:
        text = error.msg if isinstance(error, SyntaxError) else str(error)
    except Exception:
        text = ""
    lines = text.split("\n", 1)
    name = type(error).__name__
    return f"{name}: {lines[0]}" if lines[0] else name


def _application_traceback(error: BaseException) -> str:
    """Removes the frames that are not the application's from the exception and its causes, and formats it."""
    for one in _with_causes(error):
        one.__traceback__ = _application_frames(one.__traceback__)
    return "".join(traceback.format_exception(error))


def _with_causes(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    left: list[BaseException | None] = [error]
    while left:
        one = left.pop()
        if one is not None and id(one) not in seen:
            seen.add(id(one))
            left += [one.__cause__, one.__context__]
            left += one.exceptions if isinstance(one, BaseExceptionGroup) else ()
            yield one


def _application_frames(frames: TracebackType | None) -> TracebackType | None:
    """Returns the traceback without the frames of this package and of importlib."""
    kept = []
    while frames is not None:
        file = frames.tb_frame.f_code.co_filename
        if not (
            file.startswith("<frozen importlib")
            or file == importlib.__file__
            or os.path.dirname(file) == _OWN_DIRECTORY
        ):
            kept.append(frames)
        frames = frames.tb_next
    result: TracebackType | None = None
    for one in reversed(kept):
        result = TracebackType(result, one.tb_frame, one.tb_lasti, one.tb_lineno)
    return result


_OWN_DIRECTORY = os.path.dirname(__file__)
