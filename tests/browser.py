"""Headless Chromium for tests, without a driver package.

Speaks the DevTools protocol over a pipe: JSON messages, each ended by a NUL byte, which the browser reads from its
file descriptor 3 and writes to 4 (`--remote-debugging-pipe`).
"""

from __future__ import annotations

import base64
import json
import os
import select
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self, TypeAlias

import pytest

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
Message: TypeAlias = dict[str, Json]

_NAMES = ("chromium", "chromium-browser", "google-chrome")
_FLAGS = (
    "--headless",
    "--remote-debugging-pipe",
    "--no-sandbox",  # refused otherwise as root and in most containers; only pages of our own making are opened
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--force-color-profile=srgb",
    "--no-first-run",
)
_ANSWER_S = 60.0
"""Longer than anything a busy machine needs: reaching it means that the browser hangs."""


class BrowserError(Exception):
    """The browser refused a command, crashed or fell silent."""


def find_browser() -> str | None:
    """The path of an installed Chromium, or None."""
    return next(filter(None, map(shutil.which, _NAMES)), None)


@pytest.fixture(scope="session", name="browser")
def running_browser() -> Iterator[Browser]:
    """One browser for the whole session; without one installed its tests skip, or fail under REQUIRE_BROWSER=1."""
    executable = find_browser()
    if executable is None:
        reason = f"no browser found ({', '.join(_NAMES)})"
        if os.environ.get("REQUIRE_BROWSER") == "1":
            pytest.fail(f"REQUIRE_BROWSER=1, but {reason}")
        pytest.skip(reason)
    with Browser(executable) as browser:
        yield browser


class Browser:
    """A browser process with a profile of its own, both gone when the `with` block ends."""

    def __init__(self, executable: str) -> None:
        self._executable = executable
        self._resources = ExitStack()
        self._unread = bytearray()
        self._last_id = 0
        self._pages: dict[str, Page] = {}

    def __enter__(self) -> Self:
        with ExitStack() as resources:
            # The browser may still be writing to its profile while it goes.
            profile = resources.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True))
            # The shell moves the two pipes to where the browser expects them; Popen itself cannot.
            script = 'exec "$0" "$@" 3<&0 4>&1 </dev/null >/dev/null 2>&1'
            self._process = subprocess.Popen(
                ["/bin/sh", "-c", script, self._executable, *_FLAGS, f"--user-data-dir={profile}", "about:blank"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                start_new_session=True,
            )
            resources.enter_context(self._process)
            resources.callback(self._stop)
            self.send("Browser.getVersion")
            self._resources = resources.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._resources.close()

    @contextmanager
    def open(
        self,
        url: str,
        *,
        width: int,
        height: int = 900,
        dark: bool = False,
        javascript: bool = True,
        device_scale: float = 1.0,
    ) -> Iterator[Page]:
        """A page in a tab of its own, loaded completely; width and height of the window in CSS pixels."""
        target = _text(self.send("Target.createTarget", {"url": "about:blank"}), "targetId")
        session = _text(self.send("Target.attachToTarget", {"targetId": target, "flatten": True}), "sessionId")
        page = self._pages[session] = Page(self, session)
        try:
            page.prepare(width=width, height=height, dark=dark, javascript=javascript, device_scale=device_scale)
            page.navigate(url)
            yield page
        finally:
            self.send("Target.closeTarget", {"targetId": target})
            del self._pages[session]

    def send(self, method: str, parameters: Message | None = None, session: str | None = None) -> Message:
        """Give one command and wait for its answer; events that come before it go to their pages."""
        self._last_id += 1
        message: Message = {"id": self._last_id, "method": method, "params": parameters or {}}
        if session is not None:
            message["sessionId"] = session
        pipe = self._process.stdin
        assert pipe is not None
        pipe.write(json.dumps(message).encode() + b"\0")
        pipe.flush()
        while True:
            answer = self.receive()
            if answer.get("id") == self._last_id:
                if "error" in answer:
                    raise BrowserError(f"{method}: {json.dumps(answer['error'])}")
                return _object(answer, "result")

    def receive(self) -> Message:
        """The browser's next message; an event is shown to its page first."""
        pipe = self._process.stdout
        assert pipe is not None
        deadline = time.monotonic() + _ANSWER_S
        while (end := self._unread.find(b"\0")) < 0:
            readable, _, _ = select.select([pipe], [], [], max(deadline - time.monotonic(), 0))
            if not readable:
                raise BrowserError(f"the browser said nothing for {_ANSWER_S:.0f} s")
            chunk = os.read(pipe.fileno(), 1 << 20)
            if not chunk:
                raise BrowserError(f"the browser ended with exit code {self._process.wait()}")
            self._unread += chunk
        message: Message = json.loads(self._unread[:end])
        del self._unread[: end + 1]
        session = message.get("sessionId")
        if "method" in message and isinstance(session, str) and session in self._pages:
            self._pages[session].notice(_text(message, "method"), _object(message, "params"))
        return message

    def _stop(self) -> None:
        try:
            self.send("Browser.close")
            self._process.wait(10)
        except (BrowserError, OSError, subprocess.TimeoutExpired):
            os.killpg(self._process.pid, signal.SIGKILL)


class Page:
    """One open page; `problems` grows by whatever the browser reports as wrong with it."""

    def __init__(self, browser: Browser, session: str) -> None:
        self._browser = browser
        self._session = session
        self._loaded = False
        self._requested: dict[str, str] = {}
        self.problems: list[str] = []
        """Console errors and warnings, uncaught exceptions, refused and failed resources, policy violations."""

    @property
    def requests(self) -> list[str]:
        """The address of everything the page asked for, itself first, `data:` aside."""
        return [url for url in self._requested.values() if not url.startswith("data:")]

    def evaluate(self, expression: str) -> Json:
        """The value of a JavaScript expression, awaited if it is a promise; works where the page may run none."""
        result = self.send(
            "Runtime.evaluate",
            {"expression": expression, "returnByValue": True, "awaitPromise": True, "userGesture": True},
        )
        if "exceptionDetails" in result:
            raise BrowserError(f"{expression}: {json.dumps(result['exceptionDetails'])}")
        return _object(result, "result").get("value")

    def press(self, key: str) -> None:
        """One key, named as in `KeyboardEvent.key`, to whatever has the focus."""
        codes = {"Tab": 9, "Enter": 13, "Escape": 27, "ArrowLeft": 37, "ArrowRight": 39}
        parameters: Message = {"key": key, "code": key, "windowsVirtualKeyCode": codes[key]}
        if key == "Enter":
            parameters["text"] = "\r"
        self.send("Input.dispatchKeyEvent", {"type": "keyDown", **parameters})
        self.send("Input.dispatchKeyEvent", {"type": "keyUp", **parameters})

    def screenshot(self, path: Path, *, whole: bool = True) -> None:
        """A PNG of the whole page, or of what the window shows, with each image decoded."""
        self.evaluate("Promise.allSettled(Array.from(document.images, (image) => image.decode())).then(() => null)")
        answer = self.send("Page.captureScreenshot", {"format": "png", "captureBeyondViewport": whole})
        path.write_bytes(base64.b64decode(_text(answer, "data")))

    def send(self, method: str, parameters: Message | None = None) -> Message:
        """One DevTools command for this page."""
        return self._browser.send(method, parameters, self._session)

    def prepare(self, *, width: int, height: int, dark: bool, javascript: bool, device_scale: float) -> None:
        """Set the window, the user's preferences and what is listened to."""
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.send(f"{domain}.enable")
        self.send(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": height, "deviceScaleFactor": device_scale, "mobile": False},
        )
        scheme: Message = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        still: Message = {"name": "prefers-reduced-motion", "value": "reduce"}  # no screenshot of half a transition
        self.send("Emulation.setEmulatedMedia", {"features": [scheme, still]})
        self.send("Emulation.setFocusEmulationEnabled", {"enabled": True})
        self.send("Emulation.setScriptExecutionDisabled", {"value": not javascript})

    def navigate(self, url: str) -> None:
        """Open an address and wait for the page and everything in it to load."""
        self._loaded = False
        answer = self.send("Page.navigate", {"url": url})
        if "errorText" in answer:
            raise BrowserError(f"{url}: {answer['errorText']}")
        while not self._loaded:
            self._browser.receive()

    def notice(self, method: str, event: Message) -> None:
        """Take one event of this page into account."""
        if method == "Page.loadEventFired":
            self._loaded = True
        elif method == "Network.requestWillBeSent":
            self._requested[_text(event, "requestId")] = _text(_object(event, "request"), "url")
        elif method == "Network.loadingFailed":
            url = self._requested.get(_text(event, "requestId"), "?")
            self.problems.append(f"failed: {url[:200]}: {event.get('blockedReason') or event['errorText']}")
        elif method == "Log.entryAdded":
            self.problems.append(f"log: {_text(_object(event, 'entry'), 'text')}")
        elif method == "Runtime.exceptionThrown":
            self.problems.append(f"exception: {json.dumps(event['exceptionDetails'])}")
        elif method == "Runtime.consoleAPICalled" and event["type"] in {"error", "warning", "assert"}:
            self.problems.append(f"console: {json.dumps(event['args'])}")


def _object(parent: Message, key: str) -> Message:
    value = parent.get(key)
    assert isinstance(value, dict), (key, value)
    return value


def _text(parent: Message, key: str) -> str:
    value = parent.get(key)
    assert isinstance(value, str), (key, value)
    return value
