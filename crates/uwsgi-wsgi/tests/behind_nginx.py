"""The server under test behind an nginx with locations of many kinds, for the tests in test_nginx.py and test_nginx_bodies.py."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from browser import Browser
from conftest import Start
from nginx import PARAMS, Nginx
from server import Server, name_of_server

# The application answers with these bytes at /large.
LARGE = bytes(number % 251 for number in range(1 << 20))

LOCATIONS = """
location / {{ uwsgi_pass {address}; }}
location /unbuffered/ {{
    rewrite ^/unbuffered(/.*) $1 break;
    uwsgi_request_buffering off;
    uwsgi_buffering off;
    uwsgi_pass {address};
}}
location /by-variable {{
    rewrite ^ / break;
    uwsgi_pass $arg_to;
}}
location /without-body/ {{
    rewrite ^/without-body(/.*) $1 break;
    uwsgi_pass_request_body off;
    include {params};
    uwsgi_param CONTENT_LENGTH "";
    uwsgi_pass {address};
}}
location /if-not-empty/ {{
    rewrite ^/if-not-empty(/.*) $1 break;
    # nginx keeps the value that a variable has when it is first used.
    set $early $content_length;
    uwsgi_param REQUEST_METHOD $request_method;
    uwsgi_param PATH_INFO $uri;
    uwsgi_param QUERY_STRING $query_string;
    uwsgi_param SERVER_NAME $server_name;
    uwsgi_param SERVER_PORT $server_port;
    uwsgi_param SERVER_PROTOCOL $server_protocol;
    uwsgi_param CONTENT_LENGTH $content_length if_not_empty;
    uwsgi_pass {address};
}}
location /blah/ {{
    rewrite ^/blah(/.*) $1 break;
    include {params};
    uwsgi_param HTTP_X_BLAH "of the front end";
    uwsgi_pass {address};
}}
location /shop/ {{
    rewrite ^/shop(/.*) $1 break;
    include {params};
    uwsgi_param SCRIPT_NAME /shop;
    uwsgi_param REMOTE_USER ada;
    uwsgi_param CUSTOM "a value";
    uwsgi_pass {address};
}}
location /environ/admin {{ return 403; }}
"""
BUFFERING = pytest.mark.parametrize("buffering", ["", "/unbuffered"], ids=["buffered", "unbuffered"])


@pytest.fixture(scope="module")
def server(shared: Start) -> Server:
    # The validator refuses the environ of others: uWSGI 2.0.31 gives no SCRIPT_NAME, and passes HTTP_CONTENT_LENGTH on.
    return shared("front_end:app" if name_of_server() == "ours" else "front_end:plain")


@pytest.fixture(scope="module")
def nginx(server: Server, short_directory: Path) -> Iterator[Nginx]:
    directory = Path(tempfile.mkdtemp(dir=short_directory))
    nginx = Nginx(
        directory,
        LOCATIONS.format(address=server.address, params=PARAMS),
        f"upstream named {{ server {server.address}; }}",
    )
    yield nginx
    nginx.stop()


@pytest.fixture
def browser(nginx: Nginx) -> Iterator[Browser]:
    with Browser(nginx.port) as browser:
        yield browser
