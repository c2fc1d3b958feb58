# SPDX-License-Identifier: BSD-3-Clause
"""Headless Chromium, driven by its DevTools protocol over a pair of pipes."""
import base64
import fcntl
import itertools
import json
import os
import pathlib
import subprocess
import time

FLAGS = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
         "--no-first-run", "--disable-extensions", "--disable-background-networking",
         "--hide-scrollbars", "--remote-debugging-pipe"]


class Browser:
    """One page in one browser. Keeps what the page logs, throws and asks the network for."""

    def __init__(self, profile):
        (down, self._out), (self._in, up) = (self._pipe() for _ in range(2))

        def arrange():  # the browser reads commands from descriptor 3 and answers on 4
            os.dup2(down, 3)
            os.dup2(up, 4)

        self._process = subprocess.Popen(
            ["chromium", *FLAGS, f"--user-data-dir={profile}", "about:blank"],
            preexec_fn=arrange, pass_fds=(3, 4), stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(down)
        os.close(up)
        self._numbers, self._unread = itertools.count(1), b""
        self.complaints, self.requests, self.events = [], [], []
        self._session = None
        target = next(t for t in self.send("Target.getTargets")["targetInfos"]
                      if t["type"] == "page")
        self._session = self.send("Target.attachToTarget", targetId=target["targetId"],
                                  flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.send(f"{domain}.enable")

    @staticmethod
    def _pipe():
        """A pipe whose ends are neither 3 nor 4."""
        ends = os.pipe()
        moved = [fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in ends]
        for end in ends:
            os.close(end)
        return moved

    # ---- protocol ----

    def _message(self):
        while b"\0" not in self._unread:
            more = os.read(self._in, 1 << 20)
            if not more:
                raise EOFError("the browser is gone")
            self._unread += more
        text, _, self._unread = self._unread.partition(b"\0")
        return json.loads(text)

    def send(self, method, **parameters):
        """Send a command; its result."""
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self._out, data):]
        while True:
            answer = self._message()
            if answer.get("id") == number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']['message']}")
                return answer["result"]
            self._note(answer)

    def _note(self, event):
        method, parameters = event.get("method", ""), event.get("params", {})
        self.events.append(method)
        if method == "Runtime.consoleAPICalled" and parameters["type"] in ("error", "warning"):
            self.complaints.append(str(parameters["args"]))
        elif method == "Runtime.exceptionThrown":
            self.complaints.append(json.dumps(parameters["exceptionDetails"])[:2000])
        elif method == "Log.entryAdded" and parameters["entry"]["level"] in ("error", "warning"):
            self.complaints.append(parameters["entry"]["text"])
        elif method == "Network.requestWillBeSent":
            self.requests.append(parameters["request"]["url"])

    # ---- pages ----

    def open(self, path, timeout=30):
        """Open a file; seconds from navigation until the page says that it is ready."""
        self.complaints.clear()
        self.requests.clear()
        start = time.monotonic()
        self.send("Page.navigate", url=path.resolve().as_uri())
        self.wait("document.documentElement && document.documentElement.dataset.ready",
                  timeout)
        return time.monotonic() - start

    def busy(self):
        """Seconds of processor time that all of the browser's processes have taken."""
        ticks, parents = {}, {}
        for path in pathlib.Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = path.read_text().rpartition(")")[2].split()
            except OSError:  # it ended
                continue
            process = int(path.parent.name)
            parents[process], ticks[process] = int(fields[1]), int(fields[11]) + int(fields[12])
        ours = {self._process.pid}
        while more := {p for p, parent in parents.items() if parent in ours} - ours:
            ours |= more
        return sum(ticks.get(p, 0) for p in ours) / os.sysconf("SC_CLK_TCK")

    def wait(self, condition, timeout=10):
        """Wait until a JavaScript expression holds; its value."""
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            try:
                value = self.do(condition)
            except RuntimeError:  # the page is being exchanged
                value = None
            if value:
                return value
            time.sleep(0.02)
        raise TimeoutError(f"{condition}; complaints: {self.complaints}")

    def do(self, expression):
        """The value of a JavaScript expression; promises are awaited."""
        result = self.send("Runtime.evaluate", expression=expression, returnByValue=True,
                           awaitPromise=True)
        if "exceptionDetails" in result:
            raise RuntimeError(json.dumps(result["exceptionDetails"])[:1000])
        return result["result"].get("value")

    def size(self, width, height, mobile=False):
        """Set the size of the window, in CSS pixels."""
        self.send("Emulation.setDeviceMetricsOverride", width=width, height=height,
                  deviceScaleFactor=1, mobile=mobile)
        self.send("Emulation.setTouchEmulationEnabled", enabled=mobile)

    def colours(self, scheme):
        """Prefer ``light`` or ``dark``."""
        self.send("Emulation.setEmulatedMedia", media="",
                  features=[{"name": "prefers-color-scheme", "value": scheme}])

    def picture(self, path, whole=False):
        """Save what is seen, or the whole page, as PNG."""
        shot = self.send("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        path.write_bytes(base64.b64decode(shot["data"]))

    # ---- hands ----

    def centre(self, selector):
        """The middle of an element, scrolled into sight."""
        return self.do(f"""(() => {{
            const element = document.querySelector({json.dumps(selector)});
            element.scrollIntoView({{block: "center"}});
            const box = element.getBoundingClientRect();
            return [box.left + box.width / 2, box.top + box.height / 2];
        }})()""")

    def click(self, selector):
        """Click an element with the mouse."""
        x, y = self.centre(selector)
        self.drag([(x, y)])

    def drag(self, points, shift=False):
        """Press the mouse at the first point, move along the others, release."""
        common = {"button": "left", "clickCount": 1, "modifiers": 8 if shift else 0}
        (x, y), *rest = points
        self.send("Input.dispatchMouseEvent", type="mousePressed", x=x, y=y, **common)
        for x, y in rest:
            self.send("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y, **common)
        self.send("Input.dispatchMouseEvent", type="mouseReleased", x=x, y=y, **common)

    def move(self, x, y):
        """Move the mouse."""
        self.send("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)

    def wheel(self, x, y, by):
        """Turn the wheel at a place."""
        self.send("Input.dispatchMouseEvent", type="mouseWheel", x=x, y=y, deltaX=0, deltaY=by)

    def touch(self, *moments):
        """Fingers at [(x, y), ..] at each moment, lifted after the last."""
        for i, fingers in enumerate(moments):
            self.send("Input.dispatchTouchEvent", type="touchMove" if i else "touchStart",
                      touchPoints=[{"x": x, "y": y, "id": j} for j, (x, y) in enumerate(fingers)])
        self.send("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])

    def key(self, key, shift=False):
        """Press a key."""
        for kind in ("keyDown", "keyUp"):
            self.send("Input.dispatchKeyEvent", type=kind, key=key, modifiers=8 if shift else 0,
                      **({"text": key} if len(key) == 1 and kind == "keyDown" else {}))

    def type(self, selector, text):
        """Put text into a field."""
        self.do(f"""(() => {{
            const field = document.querySelector({json.dumps(selector)});
            field.value = ""; field.focus();
        }})()""")
        self.send("Input.insertText", text=text)

    def close(self):
        """End the browser."""
        self._session = None
        self.send("Browser.close")
        self._process.wait(20)
        os.close(self._out)
        os.close(self._in)
