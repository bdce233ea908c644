"""A headless Chromium, spoken to through a pipe: for pictures of mails, and for tests of how they are laid out."""

import base64
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Self

NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
#: The sandbox does not work for root, as in a container; what is opened here is our own.
OPTIONS = ("--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--force-color-profile=srgb")
STARTUP_SECONDS = 30


class BrowserError(Exception):
    """The browser has refused a command, or has gone away."""


def executable() -> str:
    """Return the browser's path; "" where there is none."""
    return next((path for name in NAMES if (path := shutil.which(name))), "")


class Browser:
    """A page in a browser of its own."""

    def __init__(self, to_browser: int, from_browser: int) -> None:
        self._write, self._read = to_browser, os.fdopen(from_browser, "rb")
        self._number, self._buffer, self._session = 0, b"", ""
        target = self._call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self._call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]

    def show(self, html: str, *, width: int, dark: bool) -> Self:
        """Lay *html* out at *width* pixels."""
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self._call("Emulation.setEmulatedMedia", media="screen", features=[scheme])
        self._resize(width, 800)
        frame = self._call("Page.getFrameTree")["frameTree"]["frame"]["id"]
        self._call("Page.setDocumentContent", frameId=frame, html=html)
        return self

    def evaluate(self, script: str) -> Any:  # noqa: ANN401 - JSON
        """Return what *script* says, as JSON."""
        answer = self._call("Runtime.evaluate", expression=script, returnByValue=True)
        if "exceptionDetails" in answer:
            raise BrowserError(json.dumps(answer["exceptionDetails"])[:500])
        return answer["result"].get("value")

    def picture(self, *, width: int) -> bytes:
        """Return the whole page as WebP, small enough for a repository."""
        height = int(self.evaluate("document.documentElement.scrollHeight"))
        self._resize(width, height)
        return base64.b64decode(self._call("Page.captureScreenshot", format="webp", quality=45)["data"])

    def close(self) -> None:
        """End the browser."""
        with suppress(BrowserError, OSError):
            self._session = ""
            self._call("Browser.close")
        os.close(self._write)
        self._read.close()

    def _resize(self, width: int, height: int) -> None:
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self._call("Emulation.setDeviceMetricsOverride", **size)

    def _call(self, method: str, **parameters: object) -> Any:  # noqa: ANN401 - JSON
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        for answer in self._messages():
            if answer.get("id") == self._number:
                if "error" in answer:
                    raise BrowserError(f"{method}: {answer['error'].get('message')}")
                return answer["result"]
        raise BrowserError(f"{method}: the browser has gone away")

    def _messages(self) -> Iterator[Any]:
        while True:
            while b"\0" not in self._buffer:
                if not (part := self._read.read1(1 << 20)):
                    return
                self._buffer += part
            one, _, self._buffer = self._buffer.partition(b"\0")
            yield json.loads(one)


@contextmanager
def browser() -> Iterator[Browser]:
    """Start a browser with a profile of its own, and end it."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        their_read, our_write = os.pipe()
        our_read, their_write = os.pipe()
        # The browser reads commands from descriptor 3 and answers on 4, whatever they are here.
        command = f'exec "$0" "$@" 3<&{their_read} 4>&{their_write}'
        words = (executable(), *OPTIONS, "--remote-debugging-pipe", f"--user-data-dir={profile}")
        process = subprocess.Popen(
            ["/bin/bash", "-c", command, *words],
            pass_fds=(their_read, their_write),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(their_read)
        os.close(their_write)
        try:
            page = Browser(our_write, our_read)
            yield page
            page.close()
        finally:
            try:
                process.wait(STARTUP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
