"""Headless Chromium for the scripts that look at pages. On Debian, as root, it is installed if it is missing."""

import json
import os
import shutil
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request

# In a container /dev/shm may have 64 MB, which is less than a large page takes.
CHROMIUM = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-dev-shm-usage",
            "--disable-background-networking", "--disable-component-update", "--disable-sync", "--hide-scrollbars")


def install(*packages):
    """Installs Debian packages. The network may fail once or twice; apt itself tries each file again."""
    command = ["apt-get", "-o", "Acquire::Retries=3", "install", "-qq", "-y", "--no-install-recommends", *packages]
    for pause in (5, 15, None):
        if subprocess.run(command, stdout=subprocess.DEVNULL).returncode == 0:
            return
        if pause is None:
            sys.exit(f"{' '.join(packages)} cannot be installed")
        time.sleep(pause)   # the network may be back after it


def program():
    """Returns the path of chromedriver. Installs Chromium if it is missing and can be installed."""
    if not (shutil.which("chromium") and shutil.which("chromedriver")):
        if not shutil.which("apt-get") or os.geteuid() != 0:
            sys.exit("chromium and chromedriver are missing: install the packages chromium and chromium-driver")
        install("chromium", "chromium-driver", "fonts-dejavu-core")
    return shutil.which("chromedriver")


class Chromium:
    """A headless Chromium with its own profile, driven by chromedriver."""

    def __init__(self, scratch):
        self.log = scratch / "chromedriver.log"
        self.driver = subprocess.Popen([program(), "--port=0", f"--log-path={self.log}"],
                                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.port = None
        for line in self.driver.stdout:
            if "started successfully on port" in line:
                self.port = int(line.rsplit(" ", 1)[1].rstrip(".\n"))
                break
        if self.port is None:
            sys.exit("chromedriver did not start")
        # This thread empties the pipe: chromedriver would wait if the pipe were full.
        threading.Thread(target=self.driver.stdout.read, daemon=True).start()
        options = {"args": [*CHROMIUM, f"--user-data-dir={scratch / 'profile'}"], "binary": shutil.which("chromium")}
        wanted = {"capabilities": {"alwaysMatch": {"browserName": "chrome", "goog:chromeOptions": options}}}
        self.base = f"http://127.0.0.1:{self.port}"
        self.base += f"/session/{self.ask('POST', '/session', wanted)['sessionId']}"

    def ask(self, method, path, body=None):
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(self.base + path, data, {"Content-Type": "application/json"}, method=method)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=120) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            sys.exit(f"chromedriver: {error.read().decode(errors='replace')[:500]}")

    def command(self, name, **params):
        return self.ask("POST", "/goog/cdp/execute", {"cmd": name, "params": params})

    def end(self):
        try:
            self.ask("DELETE", "")
        finally:
            self.driver.terminate()
            self.driver.wait(30)
