"""The inspector of `uwsgictl serve` as a WSGI application, for servers of other projects.

It has the paths of the inspector that the tests use. The bytes of a generated body count from 0 to 255, over and over.
"""
import hashlib
import json
import os
import time
from urllib.parse import parse_qsl

if "CHUNKED" in os.environ:
    import uwsgi


def application(environ, start_response):
    _, verb, argument, *_ = (environ.get("PATH_INFO", "/") + "//").split("/")
    if verb == "status":
        text = b"" if argument in ("204", "205", "304") else b"status %s\n" % argument.encode()
        start_response(argument + " Status", [("Content-Length", str(len(text)))] if text else [])
        return [text]
    if verb == "headers":
        pairs = parse_qsl(environ.get("QUERY_STRING", ""))
        start_response("200 OK", [*pairs, ("Content-Length", "0")])
        return []
    if verb == "bytes":
        start_response("200 OK", [("Content-Length", argument)])
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [pattern(0, int(argument))]
    if verb == "stream":
        chunk = int(dict(parse_qsl(environ.get("QUERY_STRING", "")))["chunk"])
        start_response("200 OK", [])
        return (pattern(at, min(chunk, int(argument) - at)) for at in range(0, int(argument), chunk))
    if verb == "delay":
        # Simulated work.
        time.sleep(int(argument) / 1000)
    if verb == "abort":
        start_response("200 OK", [("Content-Length", "1000")])
        return [pattern(0, 500)]
    if verb == "echo":
        start_response("200 OK", [("Content-Length", environ["CONTENT_LENGTH"])])
        return iter(lambda: environ["wsgi.input"].read(65536), b"")
    return [report(environ, start_response)]


def pattern(start, count):
    return bytes((start + place) % 256 for place in range(256)) * (count // 256) + bytes(
        (start + place) % 256 for place in range(count % 256))


def report(environ, start_response):
    body, digest = 0, hashlib.sha256()
    chunked = "CHUNKED" in os.environ and environ.get("HTTP_TRANSFER_ENCODING") == "chunked"
    while piece := uwsgi.chunked_read() if chunked else environ["wsgi.input"].read(65536):
        body += len(piece)
        digest.update(piece)
    out = json.dumps({
        "vars": [[key, value] for key, value in environ.items() if isinstance(value, str)],
        "body": {"length": body, "sha256": digest.hexdigest()},
    }).encode()
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(out)))])
    return out
