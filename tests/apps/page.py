"""A page that uses a gateway, and the application that it talks to: tests/gateway-page loads it into a browser."""
import hashlib
import json
import pathlib
import threading

PAGE = (pathlib.Path(__file__).parent / "page.html").read_text()
LARGE = 20_000_000
PATTERN = bytes(range(251)) * (LARGE // 251 + 1)
released = threading.Event()


def application(environ, start_response):
    path = environ["PATH_INFO"].encode("latin-1").decode()

    def answer(data, status="200 OK", *headers):
        start_response(status, [("Content-Type", "text/plain; charset=utf-8"), ("Content-Length", str(len(data))), *headers])
        return [data]

    if path == "/":
        data = PAGE.replace("WEBSOCKET_PORT", str(int(environ["QUERY_STRING"]))).encode()
        start_response("200 OK", [("Content-Type", "text/html"), ("Content-Length", str(len(data)))])
        return [data]
    if path.startswith("/text"):
        return answer(f"{path} {environ['QUERY_STRING']}".encode())
    if path == "/cookies":
        return answer(environ.get("HTTP_COOKIE", "").encode(), "200 OK", ("Set-Cookie", "a=1"), ("Set-Cookie", "b=2"))
    if path == "/download":
        start_response("200 OK", [("Content-Type", "application/octet-stream")])
        return (PATTERN[at:min(at + 50_000, LARGE)] for at in range(0, LARGE, 50_000))
    if path == "/upload":
        digest, read = hashlib.sha256(), 0
        while piece := environ["wsgi.input"].read(65536):
            digest.update(piece)
            read += len(piece)
        seen = {"length": environ.get("CONTENT_LENGTH"), "read": read, "sha256": digest.hexdigest()}
        return answer(json.dumps(seen).encode())
    if path == "/parts":
        released.clear()
        start_response("200 OK", [("Content-Type", "text/plain")])
        return parts()
    if path == "/release":
        released.set()
        return answer(b"")
    return answer(b"sorry", "500 Internal Server Error")


def parts():
    """Sends the second part once the client, which must have got the first, has sent another request."""
    yield b"first"
    if released.wait(20):
        yield b"second"
