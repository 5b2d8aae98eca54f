"""What uwsgictl's inspector answers, as a WSGI application: for the servers of other people in its place."""
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
        start_response(argument + " Status", [])
        return []
    if verb == "headers":
        pairs = parse_qsl(environ.get("QUERY_STRING", ""))
        start_response("200 OK", [*pairs, ("Content-Length", "0")])
        return []
    if verb == "bytes":
        start_response("200 OK", [("Content-Length", argument)])
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [bytes(int(argument))]
    if verb == "stream":
        chunk = int(dict(parse_qsl(environ.get("QUERY_STRING", "")))["chunk"])
        start_response("200 OK", [])
        return (bytes(min(chunk, int(argument) - at)) for at in range(0, int(argument), chunk))
    if verb == "delay":
        time.sleep(int(argument) / 1000)
    if verb == "abort":
        start_response("200 OK", [("Content-Length", "1000")])
        return [bytes(500)]
    if verb == "echo":
        start_response("200 OK", [("Content-Length", environ["CONTENT_LENGTH"])])
        return iter(lambda: environ["wsgi.input"].read(65536), b"")
    return [report(environ, start_response)]


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
