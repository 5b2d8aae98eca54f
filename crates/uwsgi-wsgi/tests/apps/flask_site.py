"""A Flask site: forms, sessions, streams, files, a blueprint, and bodies of many megabytes."""

from __future__ import annotations

import hashlib
import io
import os
import tempfile
from collections.abc import Iterator

import flask

from registry import Gate

site = flask.Flask(__name__)
site.secret_key = "only for tests"

CONTENT = bytes(number % 251 for number in range(200_000))
LARGE = bytes(number % 249 for number in range(1 << 20)) * 20

_directory = tempfile.TemporaryDirectory(prefix="uwsgi-wsgi-flask-")
_path = os.path.join(_directory.name, "content.bin")
with open(_path, "wb") as _file:
    _file.write(CONTENT)

shop = flask.Blueprint("shop", __name__, url_prefix="/shop")


@shop.get("/items/<int:number>")
def item(number: int) -> str:
    return f"item {number} at {flask.url_for('shop.item', number=number)}"


@shop.errorhandler(404)
def no_item(_: Exception) -> tuple[str, int]:
    return "the shop has no such item", 404


@shop.get("/missing")
def missing() -> str:
    flask.abort(404)


site.register_blueprint(shop)


@site.get("/")
def index() -> str:
    return "Hello from Flask!"


@site.get("/where")
def where() -> dict[str, str]:
    request = flask.request
    return {
        "url": request.url,
        "root": request.script_root,
        "path": request.path,
        "item": flask.url_for("shop.item", number=7),
        "address": request.remote_addr or "",
        "scheme": request.scheme,
    }


@site.get("/hello/<name>")
def hello(name: str) -> str:
    return f"Hello, {name}!"


@site.post("/form")
def form() -> dict[str, list[str]]:
    return dict(flask.request.form.lists())


@site.post("/upload")
def upload() -> dict[str, object]:
    file = flask.request.files["file"]
    content = file.read()
    return {
        "name": file.filename,
        "type": file.content_type,
        "size": len(content),
        "digest": hashlib.sha256(content).hexdigest(),
        "comment": flask.request.form["comment"],
    }


@site.post("/login")
def login() -> flask.Response:
    flask.session["name"] = flask.request.form["name"]
    return flask.redirect(flask.url_for("account"), 303)  # type: ignore[return-value]


@site.get("/account")
def account() -> tuple[str, int]:
    name = flask.session.get("name")
    return (f"logged in as {name}", 200) if name else ("not logged in", 401)


@site.post("/logout")
def logout() -> str:
    flask.session.clear()
    return "logged out"


@site.get("/stream")
def stream() -> flask.Response:
    gate = Gate(flask.request.environ)

    def rows() -> Iterator[str]:
        yield f"first row for {flask.request.args['name']}\n"
        gate.wait()
        yield "last row\n"

    return flask.Response(flask.stream_with_context(rows()), headers={"X-Accel-Buffering": "no"})


@site.put("/large")
def receive_large() -> dict[str, object]:
    """Reads the body in pieces, as a view does that does not want all of it in memory."""
    digest, size = hashlib.sha256(), 0
    while piece := flask.request.stream.read(100_000):
        digest.update(piece)
        size += len(piece)
    return {"size": size, "digest": digest.hexdigest()}


@site.get("/large")
def send_large() -> flask.Response:
    """Sends the body in pieces, without a length."""
    return flask.Response(
        (LARGE[start : start + 65536] for start in range(0, len(LARGE), 65536)), mimetype="application/x-test"
    )


@site.get("/file")
def file() -> flask.Response:
    return flask.send_file(_path, conditional=True)


@site.get("/file-in-memory")
def file_in_memory() -> flask.Response:
    """A file without a descriptor: wsgi.file_wrapper must read it."""
    return flask.send_file(io.BytesIO(CONTENT), mimetype="application/x-test")


@site.get("/fails")
def fails() -> str:
    raise RuntimeError("the view fails on purpose")


app = site
