"""Starts a real nginx in front of the server under test. It listens at a loopback port."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from pathlib import Path

from client import PATIENCE
from server import free_port

# The parameters that come with nginx. `tests/peers` prints this variable, and the one of the program.
PARAMS = os.environ.get("UWSGI_PEER_NGINX_PARAMS", "/etc/nginx/uwsgi_params")

CONFIGURATION = """
daemon off;
{user}
worker_processes 1;
pid {directory}/nginx.pid;
error_log {directory}/error.log info;
events {{ worker_connections 2048; }}
http {{
    access_log off;
    client_max_body_size 100m;
    client_body_temp_path {directory}/body;
    proxy_temp_path {directory}/proxy;
    fastcgi_temp_path {directory}/fastcgi;
    scgi_temp_path {directory}/scgi;
    uwsgi_temp_path {directory}/uwsgi;
    include {params};
    {more}
    server {{
        listen 127.0.0.1:{port};
        {locations}
    }}
}}
"""


def program() -> str:
    """Returns the path of nginx."""
    told = os.environ.get("UWSGI_PEER_NGINX", "nginx")
    path = shutil.which(told, path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")
    assert path, "nginx is missing: install it, or say where it is with UWSGI_PEER_NGINX=..."
    return path


class Nginx:
    """An nginx with one server block. `locations` is the content of this block, and `more` stands beside it in `http`."""

    def __init__(self, directory: Path, locations: str, more: str = "") -> None:
        self.port = free_port()
        self._error_log = directory / "error.log"
        file = directory / "nginx.conf"
        file.write_text(
            CONFIGURATION.format(
                # The worker has to reach sockets in directories that only the user of the tests may enter.
                user="user root;" if os.geteuid() == 0 else "",
                directory=directory,
                params=PARAMS,
                port=self.port,
                locations=locations,
                more=more,
            )
        )
        self._process = subprocess.Popen(
            [program(), "-p", str(directory), "-c", str(file)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self._wait_until_it_listens()

    def _wait_until_it_listens(self) -> None:
        deadline = time.monotonic() + PATIENCE
        while True:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise AssertionError(f"nginx did not start:\n{self.error_log}")
            # nginx does not tell when it listens.
            time.sleep(0.02)

    @property
    def error_log(self) -> str:
        return self._error_log.read_text(errors="replace") if self._error_log.exists() else ""

    def stop(self) -> None:
        """Ends nginx, without waiting for requests."""
        if self._process.poll() is None:
            self._process.terminate()
        try:
            self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(PATIENCE)
