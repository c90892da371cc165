# SPDX-License-Identifier: ISC
"""A headless Chromium, controlled over its debugging pipe: shows a file, and reports its requests, its complaints
and its picture."""
import base64
import contextlib
import json
import os
import select
import shutil
import subprocess
import tempfile
import time

PROGRAM = "chromium"
WORDS = ["--headless=new", "--remote-debugging-pipe", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-extensions",
         "--disable-default-apps", "--hide-scrollbars", "--host-resolver-rules=MAP * ~NOTFOUND"]
PATIENCE = 120  # seconds for one answer on a busy machine


class Chromium:
    """requests: URLs that the page asked for; complaints: those of the console and of the security policy."""

    def __init__(self):
        if not shutil.which(PROGRAM):
            raise RuntimeError("chromium is missing, which shows whether a report looks like one: tests/deps.sh browser installs it")
        self.home = tempfile.mkdtemp(prefix="pqpurge-chromium.")
        self.requests, self.complaints, self.number, self.rest, self.loaded = [], [], 0, b"", 0
        read, theirs_out = os.pipe()
        theirs_in, write = os.pipe()
        # It reads from 3 and writes to 4. A shell makes these descriptors, whatever numbers they have here.
        script = f'exec "$@" 3<&{theirs_in} 4>&{theirs_out}'
        words = [PROGRAM, *WORDS, *(["--no-sandbox"] if os.geteuid() == 0 else []), "--user-data-dir=" + self.home, "about:blank"]
        self.process = subprocess.Popen(["/bin/bash", "-c", script, "chromium", *words], pass_fds=(theirs_in, theirs_out),
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                        env={**os.environ, "HOME": self.home, "DBUS_SESSION_BUS_ADDRESS": "disabled:"})
        os.close(theirs_in)
        os.close(theirs_out)
        self.read, self.write, self.session = read, write, None
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Network", "Runtime", "Log"):
            self.ask(domain + ".enable")

    def close(self):
        with contextlib.suppress(OSError, RuntimeError):
            self.session = None
            self.ask("Browser.close")
        os.close(self.write)
        os.close(self.read)
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.home, ignore_errors=True)

    # ---- the pipe

    def take(self):
        """The next message."""
        end = time.monotonic() + PATIENCE
        while b"\0" not in self.rest:
            if not select.select([self.read], [], [], max(0, end - time.monotonic()))[0]:
                raise RuntimeError("chromium does not answer")
            data = os.read(self.read, 1 << 16)
            if not data:
                raise RuntimeError(f"chromium ended with status {self.process.wait(PATIENCE)}")
            self.rest += data
        line, _, self.rest = self.rest.partition(b"\0")
        message = json.loads(line)
        self.note(message.get("method"), message.get("params", {}))
        return message

    def note(self, method, params):
        if method == "Network.requestWillBeSent":
            self.requests.append(params["request"]["url"])
        elif method == "Page.loadEventFired":
            self.loaded += 1
        elif method == "Log.entryAdded":
            self.complaints.append(params["entry"]["text"])
        elif method in ("Runtime.consoleAPICalled", "Runtime.exceptionThrown"):
            self.complaints.append(json.dumps(params)[:500])

    def ask(self, method, **params):
        self.number += 1
        message = {"id": self.number, "method": method, "params": params, **({"sessionId": self.session} if self.session else {})}
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self.write, data):]
        while True:
            answer = self.take()
            if answer.get("id") == self.number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return answer["result"]

    # ---- questions

    def show(self, path, width=900, height=1200, mobile=False, dark=False):
        """Loads a file. requests and complaints are then those of this load."""
        self.ask("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=mobile)
        self.ask("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])
        self.requests, self.complaints = [], []
        before = self.loaded
        self.ask("Page.navigate", url="file://" + path)
        while self.loaded == before:
            self.take()
        return self

    def evaluate(self, expression):
        return self.ask("Runtime.evaluate", expression=expression, returnByValue=True)["result"].get("value")

    def screenshot(self):
        """PNG bytes."""
        return base64.b64decode(self.ask("Page.captureScreenshot", format="png")["data"])

    def pdf(self):
        return base64.b64decode(self.ask("Page.printToPDF", preferCSSPageSize=True, printBackground=False)["data"])


@contextlib.contextmanager
def started():
    browser = Chromium()
    try:
        yield browser
    finally:
        browser.close()
