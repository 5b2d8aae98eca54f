"""WSGI applications with bodies of 100 kB: one sends such a body, the other receives one."""

SIZE = 100_000
BODY = b"x" * SIZE


def answer(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(SIZE))])
    return [BODY]


def upload(environ, start_response):
    body = b"%d\n" % len(environ["wsgi.input"].read())
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]
