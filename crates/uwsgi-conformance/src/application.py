"""The application of the conformance cases, for servers of WSGI (`application`) and of ASGI (`asgi_application`).

The environment variable CONFORMANCE_APP names a file that says what the application does with a request, in the words of
`uwsgi_conformance::App`. Without one the application reads and answers. It answers with those lines of
`uwsgi_conformance::report` that an application can know here.
"""
import asyncio
import os
import sys
import time

LISTED, SHOWN = 40, 100
EVERYTHING = 1 << 62


class Failed(Exception):
    """The failure that the application was asked for."""


def read_app():
    """The name of the App in the file, and its numbers."""
    try:
        with open(os.environ["CONFORMANCE_APP"]) as file:
            text = file.read().strip()
    except (KeyError, OSError):
        text = ""
    name, _, numbers = text.partition("(")
    return name or "ReadAllThenAnswer", [int(number) for number in numbers.rstrip(")").split(",") if number]


def acts(name, numbers):
    """The acts of an App, in order: (act, argument, ...)."""
    first, read = (numbers or [0])[0], ("read", EVERYTHING)
    answer = [("report head", True), ("report",)]
    return {
        "ReadAllThenAnswer": lambda: [read] + answer,
        "AnswerWithoutReading": lambda: answer,
        "ReadSomeThenAnswer": lambda: [("read", first)] + answer,
        "ReadTwice": lambda: [read, ("read again",)] + answer,
        "AnswerTheReadError": lambda: [("read or error",)] + answer,
        "PauseThenRead": lambda: [("pause", first), read] + answer,
        "PauseWhileReading": lambda: [("read", first), ("pause", numbers[1]), read] + answer,
        "AnswerThenRead": lambda: [("head", 200, 10), ("give", 5), read, ("give", 5)],
        "OpenEnded": lambda: [read, ("report head", False), ("report",)],
        "Empty": lambda: [read, ("head", first, 0)],
        "Status": lambda: [read, ("head", first, None), ("give", 5)],
        "EmptyPieces": lambda: [read, ("report head", True), ("report in pieces",)],
        "HeadTwice": lambda: [read, ("head", 404, 5), ("give", 0)] + answer,
        "HeadTooLate": lambda: [read, ("head", 200, 10), ("give", 5), ("head", 404, 5), ("give", 5)],
        "NoHead": lambda: [read, ("give", 5)],
        "Nothing": lambda: [read],
        "FailBefore": lambda: [("fail",)],
        "FailAfterReading": lambda: [read, ("fail",)],
        "FailAfterHead": lambda: [read, ("head", 200, 100), ("give", 0), ("fail",)],
        "FailAfter": lambda: [("head", 200, 100), ("give", first), ("fail",)],
        "FailOpenEnded": lambda: [("head", 200, None), ("give", first), ("fail",)],
        "Short": lambda: [read, ("head", 200, 100), ("give", 100 - first)],
        "Long": lambda: [read, ("head", 200, 100 - first), ("give", 50), ("give", 50)],
        "LongThenFail": lambda: [read, ("head", 200, 100 - first), ("give", 50), ("give", 50)],
    }[name]()


def shown(data):
    """Bytes as Rust's `escape_ascii` shows them."""
    special = {9: "\\t", 10: "\\n", 13: "\\r", 34: '\\"', 39: "\\'", 92: "\\\\"}
    return "".join(special.get(byte) or (chr(byte) if 32 <= byte < 127 else f"\\x{byte:02x}") for byte in data[:SHOWN])


class Seen:
    """What the application sees of a request."""

    def __init__(self, method, path, query, scheme, headers, variables=None):
        self.lines = [("method", method), ("path", path), ("query", query), ("scheme", scheme)]
        # The environ of WSGI does not tell how many headers the server counts.
        if variables is None:
            self.lines.append(("headers", str(len(headers)).encode()))
        for key, value in list((variables or {}).items())[:LISTED]:
            self.lines.append((f"var {shown(key)}", value))
        for name, value in headers[:LISTED]:
            self.lines.append((f"header {shown(name)}", value))
        self.body, self.again, self.error = b"", None, None

    def report(self):
        lines = [f"{kind} {shown(value)}" for kind, value in self.lines]
        lines.append(f"body {len(self.body)}")
        lines.append(f"content {shown(self.body[:64])}")
        if self.again is not None:
            lines.append(f"again {self.again}")
        if self.error is not None:
            lines.append(f"error {self.error}")
        return ("\n".join(lines) + "\n").encode()


def headers(status, length):
    lines = [("Content-Type", "text/plain")]
    return f"{status} As Asked", lines if length is None else lines + [("Content-Length", str(length))]


def seen_by_wsgi(environ):
    def value(key):
        return str(environ.get(key) or "").encode("latin-1")

    own = ("wsgi.", "uwsgi.", "gunicorn.")
    variables = {key.encode("latin-1"): value(key) for key in environ
                 if isinstance(environ[key], str) and not key.startswith(own)}
    named = [(key[5:].lower().replace(b"_", b"-"), text) for key, text in variables.items() if key.startswith(b"HTTP_")]
    for key in (b"CONTENT_TYPE", b"CONTENT_LENGTH"):
        if variables.get(key):
            named.append((key.lower().replace(b"_", b"-"), variables[key]))
    return Seen(value("REQUEST_METHOD"), value("PATH_INFO"), value("QUERY_STRING"), value("wsgi.url_scheme"), named,
                variables)


def application(environ, start_response):
    seen, body = seen_by_wsgi(environ), environ["wsgi.input"]
    headed, report = False, b""

    def start(status, length):
        nonlocal headed
        exc_info = None
        if headed:
            # PEP 3333: a second call of start_response needs an exc_info.
            try:
                raise Failed("another head")
            except Failed:
                exc_info = sys.exc_info()
        headed = True
        status, lines = headers(status, length)
        start_response(status, lines, *([exc_info] if exc_info else []))

    for act, *arguments in acts(*read_app()):
        if act == "read":
            wanted = arguments[0] - len(seen.body)
            seen.body += body.read() if arguments[0] == EVERYTHING else body.read(wanted)
        elif act == "read or error":
            try:
                seen.body += body.read()
            except Exception as error:
                seen.error = f"{type(error).__name__}: {error}"
        elif act == "read again":
            seen.again = len(body.read())
        elif act == "pause":
            time.sleep(arguments[0] / 1000)
        elif act == "head":
            start(*arguments)
        elif act == "report head":
            report = seen.report()
            start(200, len(report) if arguments[0] else None)
        elif act == "give":
            yield b"a" * arguments[0]
        elif act == "report":
            yield report
        elif act == "report in pieces":
            for place in range(len(report)):
                yield b""
                yield report[place:place + 1]
                yield b""
        elif act == "fail":
            raise Failed("as asked")


def seen_by_asgi(scope):
    named = [(name.lower(), value) for name, value in scope["headers"]]
    return Seen(scope["method"].encode(), scope["path"].encode(), scope["query_string"],
                scope.get("scheme", "http").encode(), named)


async def asgi_application(scope, receive, send):
    if scope["type"] == "lifespan":
        while True:
            message = await receive()
            await send({"type": message["type"] + ".complete"})
            if message["type"] == "lifespan.shutdown":
                return
    seen, more, ahead, report = seen_by_asgi(scope), True, b"", b""

    async def read(count):
        """Reads until the body has `count` bytes; what came beyond that is kept in `ahead`."""
        nonlocal more, ahead
        while more and len(seen.body) + len(ahead) < count:
            message = await receive()
            if message["type"] != "http.request":
                more = False
                raise Failed(message["type"])
            ahead += message.get("body", b"")
            more = message.get("more_body", False)
        wanted = max(count - len(seen.body), 0)
        seen.body, ahead = seen.body + ahead[:wanted], ahead[wanted:]

    async def start(status, length):
        _, lines = headers(status, length)
        lines = [(name.lower().encode(), value.encode()) for name, value in lines]
        await send({"type": "http.response.start", "status": status, "headers": lines})

    async def give(data, more_body=True):
        await send({"type": "http.response.body", "body": data, "more_body": more_body})

    for act, *arguments in acts(*read_app()):
        if act == "read":
            await read(arguments[0])
        elif act == "read or error":
            try:
                await read(EVERYTHING)
            except Exception as error:
                seen.error = f"{type(error).__name__}: {error}"
        elif act == "read again":
            before = len(seen.body)
            await read(EVERYTHING)
            seen.again = len(seen.body) - before
        elif act == "pause":
            await asyncio.sleep(arguments[0] / 1000)
        elif act == "head":
            await start(*arguments)
        elif act == "report head":
            report = seen.report()
            await start(200, len(report) if arguments[0] else None)
        elif act == "give":
            await give(b"a" * arguments[0])
        elif act == "report":
            await give(report)
        elif act == "report in pieces":
            for place in range(len(report)):
                for piece in (b"", report[place:place + 1], b""):
                    await give(piece)
        elif act == "fail":
            raise Failed("as asked")
    await give(b"", more_body=False)
