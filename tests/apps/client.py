"""The application of real servers in the client's tests: web requests (`application`), and for uWSGI functions, signals and tasks.

CLIENT_TESTS names a directory. Signals and tasks write files into it.
"""
import hashlib
import json
import os
import wsgiref.util

try:
    import uwsgi
except ImportError:  # gunicorn
    uwsgi = None

PIECE = 50_000
PATTERN = bytes(at % 251 for at in range(PIECE + 251))


def latin1(text):
    return text.encode("latin-1")


def body(environ):
    """Yields the body of the request, piece by piece as it comes."""
    left = int(environ.get("CONTENT_LENGTH") or 0)
    while left:
        piece = environ["wsgi.input"].read(min(left, PIECE))
        if not piece:
            raise EOFError(f"{left} bytes of the body are missing")
        left -= len(piece)
        yield piece


def application(environ, start_response):
    path = environ["PATH_INFO"]
    what, _, rest = path.lstrip("/").partition("/")

    def answer(data, status="200 OK", *headers):
        start_response(status, [("Content-Type", "text/plain"), ("Content-Length", str(len(data))), *headers])
        return [data]

    if what == "hash":
        digest, length = hashlib.sha256(), 0
        for piece in body(environ):
            digest.update(piece)
            length += len(piece)
        return answer(latin1(f"{length} {digest.hexdigest()}"))
    if what == "echo":
        start_response("200 OK", [("Content-Length", environ["CONTENT_LENGTH"])])
        return body(environ)
    if what == "bytes":
        start_response("200 OK", [])
        return (PATTERN[number % 251:number % 251 + PIECE] for number in range(int(rest)))
    if what == "vars":
        plain = {key: value for key, value in environ.items() if isinstance(value, str)}
        return answer(json.dumps(plain).encode())
    if what == "status":
        return answer(b"" if rest == "204" else b"so be it", f"{rest} Indeed", ("X-Twice", "1"), ("X-Twice", "2"))
    if what == "refuse":
        # The application reads no byte of the body.
        return answer(b"too long", "413 Content Too Large")
    if what == "key":
        return answer(latin1(f"{os.environ.get('CLIENT_NODE', '')} {environ.get('HTTP_HOST', '')}"))
    return answer(latin1(f"{environ['REQUEST_METHOD']} {wsgiref.util.request_uri(environ)}"))


if uwsgi:
    directory = os.environ["CLIENT_TESTS"]

    def leave(name, data):
        """Writes a file. Other processes see the whole file, or none."""
        with open(f"{directory}/{name}.part", "wb") as file:
            file.write(data)
        os.rename(f"{directory}/{name}.part", f"{directory}/{name}")

    def signalled(number):
        leave(f"signal-{number}", b"seen")

    def spooled(task):
        pairs = {key if isinstance(key, str) else key.decode("latin-1"):
                 value if isinstance(value, str) else value.decode("latin-1") for key, value in task.items()}
        leave(f"task-{pairs['name']}", json.dumps(pairs).encode())
        return uwsgi.SPOOL_OK

    uwsgi.register_rpc("count", lambda *args: str(len(args)).encode())
    uwsgi.register_rpc("join", lambda *args: b"|".join(args))
    uwsgi.register_rpc("length", lambda arg: str(len(arg)).encode())
    uwsgi.register_rpc("repeat", lambda arg, times: arg * int(times))
    uwsgi.register_rpc("nothing", lambda: b"")
    for number in (0, 17, 255):
        uwsgi.register_signal(number, "", signalled)
    uwsgi.spooler = spooled
