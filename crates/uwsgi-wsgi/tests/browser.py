"""A small HTTP client for the tests behind nginx: it keeps cookies, and sends headers as often as a test says."""

from __future__ import annotations

import http.client
import http.cookies
import json
import urllib.parse
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any


# Django's pages take long on a machine that does other work too.
PATIENCE = 10.0

Headers = Mapping[str, str] | Sequence[tuple[str, str]]


@dataclass
class Reply:
    """An answer that arrived whole."""

    status: int
    reason: str
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Browser:
    """A client with one connection, which is opened again if the server has closed it, and with the cookies of one site."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        self.cookies: dict[str, str] = {}

    def __enter__(self) -> Browser:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._connection.close()

    def begin(
        self, method: str, path: str, body: bytes | Iterable[bytes] | None = None, headers: Headers = ()
    ) -> http.client.HTTPResponse:
        """Sends a request, and returns once the head of the answer is there. A body in pieces is sent chunked."""
        pairs = list(headers.items()) if isinstance(headers, Mapping) else list(headers)
        names = {name.lower() for name, _ in pairs}
        chunked = body is not None and not isinstance(body, bytes)
        self._connection.putrequest(method, path, skip_host="host" in names, skip_accept_encoding=True)
        for name, value in pairs:
            self._connection.putheader(name, value)
        if self.cookies and "cookie" not in names:
            self._connection.putheader("Cookie", "; ".join(f"{name}={value}" for name, value in self.cookies.items()))
        if chunked:
            self._connection.putheader("Transfer-Encoding", "chunked")
        elif isinstance(body, bytes):
            self._connection.putheader("Content-Length", str(len(body)))
        self._connection.endheaders(body, encode_chunked=chunked)
        response = self._connection.getresponse()
        for line in response.headers.get_all("Set-Cookie", []):
            for name, morsel in http.cookies.SimpleCookie(line).items():
                if morsel["max-age"] == "0" or not morsel.value:
                    self.cookies.pop(name, None)
                else:
                    self.cookies[name] = morsel.value
        return response

    def request(
        self, method: str, path: str, body: bytes | Iterable[bytes] | None = None, headers: Headers = ()
    ) -> Reply:
        """Sends a request, and reads the whole answer. An answer that ends early raises http.client.IncompleteRead."""
        response = self.begin(method, path, body, headers)
        return Reply(response.status, response.reason, response.headers, response.read())

    def get(self, path: str, headers: Headers = ()) -> Reply:
        return self.request("GET", path, headers=headers)

    def post_form(self, path: str, fields: Mapping[str, str], headers: Mapping[str, str] | None = None) -> Reply:
        """Sends the fields as an HTML form does."""
        form = urllib.parse.urlencode(fields).encode()
        more = {"Content-Type": "application/x-www-form-urlencoded", **(headers or {})}
        return self.request("POST", path, form, more)
