"""A Django project behind nginx: the admin, forms with CSRF tokens, files, and connections to the database."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from browser import Browser
from conftest import Start
from nginx import Nginx
from server import Server

THREADS = 3


@pytest.fixture(scope="module")
def server(shared: Start) -> Server:
    return shared("django_site:app", "--threads", str(THREADS))


@pytest.fixture(scope="module")
def nginx(server: Server, short_directory: Path) -> Iterator[Nginx]:
    directory = Path(tempfile.mkdtemp(dir=short_directory))
    nginx = Nginx(directory, f"location / {{ uwsgi_pass {server.address}; }}")
    yield nginx
    nginx.stop()


@pytest.fixture
def browser(nginx: Nginx) -> Iterator[Browser]:
    with Browser(nginx.port) as browser:
        yield browser


def token_in(page: str) -> str:
    """Returns the CSRF token of the form in a page."""
    match = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)
    assert match, page
    return match[1]


def test_admin(browser: Browser) -> None:
    """Logs in with the form, creates a user with another form, finds it in the list, and logs out."""
    reply = browser.get("/admin/")
    assert (reply.status, reply.headers["Location"]) == (302, "/admin/login/?next=/admin/")

    page = browser.get("/admin/login/?next=/admin/")
    fields = {"csrfmiddlewaretoken": token_in(page.text), "username": "ada", "password": "wrong", "next": "/admin/"}
    assert "Please enter the correct username" in browser.post_form("/admin/login/?next=/admin/", fields).text

    reply = browser.post_form("/admin/login/?next=/admin/", {**fields, "password": "secret"})
    assert (reply.status, reply.headers["Location"]) == (302, "/admin/")
    assert "sessionid" in browser.cookies
    page = browser.get("/admin/")
    assert (page.status, "Site administration" in page.text) == (200, True)

    page = browser.get("/admin/auth/user/add/")
    fields = {
        "csrfmiddlewaretoken": token_in(page.text),
        "username": "zo\xeb",
        "usable_password": "true",
        "password1": "long-enough-7",
        "password2": "long-enough-7",
    }
    reply = browser.post_form("/admin/auth/user/add/", fields)
    assert reply.status == 302, reply.text
    page = browser.get("/admin/auth/user/")
    assert "zo\xeb" in page.text

    reply = browser.post_form("/admin/logout/", {"csrfmiddlewaretoken": token_in(page.text)})
    assert reply.status == 200
    assert browser.get("/admin/").status == 302


def test_form_with_csrf_token(browser: Browser) -> None:
    assert browser.post_form("/form", {"title": "nothing"}).status == 403

    page = browser.get("/form")
    token = token_in(page.text)
    reply = browser.post_form("/form", {"csrfmiddlewaretoken": token, "title": "a <title>"})
    assert (reply.status, "Thank you for a &lt;title&gt;" in reply.text) == (200, True)

    browser.cookies.clear()
    assert browser.post_form("/form", {"csrfmiddlewaretoken": token, "title": "x"}).status == 403


def test_csrf_token_in_a_header(browser: Browser) -> None:
    """As scripts send it, with the origin that a browser adds: Django compares it with the host."""
    token = token_in(browser.get("/form").text)
    # The param HTTP_HOST of Debian's uwsgi_params has no port, so that the origin has none either.
    headers = {"X-CSRFToken": token, "Host": "localhost", "Origin": "http://localhost"}
    assert browser.request("POST", "/change", b"", headers).text == "changed"
    assert browser.request("POST", "/change", b"", {**headers, "Origin": "http://evil.example"}).status == 403


def test_file(browser: Browser) -> None:
    """Django closes the file with the answer, and WSGI's file_wrapper sends it."""
    content = bytes(number % 251 for number in range(200_000))
    for _ in range(3):
        reply = browser.get("/file")
        assert (reply.status, reply.headers["Content-Length"], reply.body) == (200, str(len(content)), content)


def test_stream(browser: Browser) -> None:
    assert browser.get("/stream").text == "".join(f"row {number}\n" for number in range(1000))


def test_connections_to_the_database(nginx: Nginx) -> None:
    """Django keeps a connection in each thread. They are used again only if the same threads answer all requests."""

    def ask(_: int) -> tuple[int, int]:
        with Browser(nginx.port) as browser:
            seen = browser.get("/users").json
            assert seen["count"] >= 1
            return seen["thread"], seen["connection"]

    with ThreadPoolExecutor(8) as pool:
        seen = set(pool.map(ask, range(100)))
    threads = {thread for thread, _ in seen}
    assert len(seen) == len(threads) <= THREADS
