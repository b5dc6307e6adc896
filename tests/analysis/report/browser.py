"""Headless Chromium, driven over the WebDriver protocol of chromedriver: the
few calls that the report's test needs, with nothing but the standard library.
"""

import base64
import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

ELEMENT = "element-6066-11e4-a52e-4f735466cecf"


class Missing(Exception):
    """No Chromium here, or it does not start; says which."""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Browser:
    """One window. A context manager: the processes end with it."""

    def __init__(self, width=1280, height=900):
        driver = shutil.which("chromedriver")
        chromium = shutil.which("chromium") or shutil.which("chromium-browser")
        if not driver or not chromium:
            raise Missing("chromium or chromedriver is not installed")
        self.home = tempfile.mkdtemp(prefix="report-browser-")
        self.port = free_port()
        self.process = subprocess.Popen(
            [driver, f"--port={self.port}", "--log-level=OFF"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "HOME": self.home},
        )
        self.session = None
        try:
            self.start(chromium, width, height)
        except BaseException:
            self.close()
            raise

    def start(self, chromium, width, height):
        self.wait_for_driver()
        options = {
            "binary": chromium,
            "args": [
                "--headless=new",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-dev-shm-usage",
                "--no-first-run",
                # No name can be looked up, no server reached.
                "--host-resolver-rules=MAP * ~NOTFOUND",
                "--proxy-server=127.0.0.1:9",
                f"--user-data-dir={self.home}/profile",
                f"--window-size={width},{height}",
            ],
        }
        capabilities = {
            "browserName": "chrome",
            "goog:chromeOptions": options,
            "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"},
        }
        try:
            answer = self.post("/session", {"capabilities": {"alwaysMatch": capabilities}})
        except urllib.error.HTTPError as error:
            raise Missing(f"Chromium does not start: {error.read().decode()[:300]}") from error
        self.session = f"/session/{answer['sessionId']}"

    def wait_for_driver(self):
        for _ in range(100):
            try:
                if self.request("GET", "/status")["ready"]:
                    return
            except OSError:
                time.sleep(0.1)
        raise Missing("chromedriver does not answer")

    def request(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}",
            data,
            {"Content-Type": "application/json"},
            method=method,
        )
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=60) as answer:
            return json.load(answer)["value"]

    def post(self, path, body):
        return self.request("POST", (self.session or "") + path, body)

    def close(self):
        if self.session:
            try:
                self.request("DELETE", self.session)
            except OSError:
                pass
        self.process.terminate()
        self.process.wait(20)
        shutil.rmtree(self.home, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def open(self, url):
        self.post("/url", {"url": url})

    def run(self, script, *arguments):
        """What the body of a function, `script`, returns."""
        return self.post("/execute/sync", {"script": script, "args": list(arguments)})

    def wait(self, script, *arguments):
        """Until `script` returns something true; what it returned."""
        for _ in range(100):
            value = self.run(script, *arguments)
            if value:
                return value
            time.sleep(0.05)
        raise AssertionError(f"still not true after 5 s: {script}")

    def find(self, selector):
        return self.post("/element", {"using": "css selector", "value": selector})[ELEMENT]

    def click(self, selector):
        self.post(f"/element/{self.find(selector)}/click", {})

    def type(self, selector, text):
        self.post(f"/element/{self.find(selector)}/value", {"text": text})

    def hover(self, selector):
        """Moves the mouse onto the middle of an element."""
        origin = {ELEMENT: self.find(selector)}
        self.run("arguments[0].scrollIntoView({block: 'center', inline: 'center'})", origin)
        move = {"type": "pointerMove", "duration": 0, "origin": origin, "x": 0, "y": 0}
        self.post(
            "/actions",
            {"actions": [{"type": "pointer", "id": "mouse", "actions": [move]}]},
        )

    def press(self, keys):
        actions = [{"type": kind, "value": key} for key in keys for kind in ("keyDown", "keyUp")]
        self.post("/actions", {"actions": [{"type": "key", "id": "keys", "actions": actions}]})

    def command(self, name, **parameters):
        """A command of the DevTools protocol."""
        return self.post("/goog/cdp/execute", {"cmd": name, "params": parameters})

    def set_scheme(self, scheme):
        """`light` or `dark`, as the user's system would say."""
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.command("Emulation.setEmulatedMedia", features=features)

    def set_width(self, width, height=900):
        self.command(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )

    def log(self, kind="browser"):
        """Entries since the last call."""
        return self.post("/se/log", {"type": kind})

    def screenshot(self, path):
        with open(path, "wb") as file:
            file.write(base64.b64decode(self.request("GET", self.session + "/screenshot")))

    def print_pdf(self, path):
        answer = self.command("Page.printToPDF", printBackground=True, preferCSSPageSize=True)
        with open(path, "wb") as file:
            file.write(base64.b64decode(answer["data"]))
