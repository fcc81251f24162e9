"""A headless Chromium, driven over its debugging pipe: no driver and no package is needed for that.

Messages are JSON with a zero byte after each, on the browser's file descriptors 3 (to it) and 4 (from it).
"""

from __future__ import annotations

import base64
import json
import os
import select
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

PATIENCE_S = 120.0


class Browser:
    """One page of a browser. What it logs and what it asks the network for is kept.

    Parameters
    ----------
    program
        Chromium's program.
    """

    def __init__(self, program: Path) -> None:
        self.logged: list[str] = []
        self.requests: list[str] = []
        self._folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        to_browser, self._write = os.pipe()
        self._read, from_browser = os.pipe()
        # the browser reads 3 and writes 4, whatever numbers the pipes have here
        shell = f'exec 3<&{to_browser} 4>&{from_browser}; exec "$0" "$@"'
        options = [
            "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
            "--hide-scrollbars", "--disable-extensions", "--disable-background-networking",
            "--disable-component-update", "--disable-sync",
            "--remote-debugging-pipe", f"--user-data-dir={self._folder.name}", "about:blank",
        ]  # fmt: skip
        self._process = subprocess.Popen(
            ["bash", "-c", shell, program, *options],
            pass_fds=(to_browser, from_browser),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(to_browser)
        os.close(from_browser)
        self._received = b""
        self._number = 0
        self._session: str | None = None
        target = self._send("Target.createTarget", url="about:blank")["targetId"]
        self._session = self._send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self._send(f"{domain}.enable")

    def __enter__(self) -> Browser:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.wait(PATIENCE_S)
        os.close(self._read)
        os.close(self._write)
        self._folder.cleanup()

    def open(self, address: str, ready: str = "document.readyState === 'complete'") -> None:
        """Open an address and wait until an expression is true there."""
        self.logged.clear()
        self.requests.clear()
        self._send("Page.navigate", url="about:blank")
        self.wait("location.href === 'about:blank'")
        self._send("Page.navigate", url=address)
        self.wait(f"location.href !== 'about:blank' && {ready}")

    def evaluate(self, expression: str) -> Any:
        """Return the value of an expression in the page."""
        result = self._send("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in result, result["exceptionDetails"]
        return result["result"].get("value")

    def wait(self, expression: str) -> None:
        """Wait until an expression is true; what cannot be evaluated yet is not."""
        end = time.monotonic() + PATIENCE_S
        tried = f"(() => {{ try {{ return Boolean({expression}) }} catch {{ return false }} }})()"
        while not self.evaluate(tried):
            assert time.monotonic() < end, f"not so after {PATIENCE_S:.0f} s: {expression}; logged: {self.logged}"
            time.sleep(0.02)

    def press(self, key: str) -> None:
        """Press a key: a character, or a named key as Tab, Enter, ArrowRight."""
        codes = {"Tab": 9, "Enter": 13, "ArrowRight": 39, "ArrowLeft": 37, "End": 35}
        text = {"Enter": "\r"}.get(key, key if len(key) == 1 else "")
        common = {"key": key, "windowsVirtualKeyCode": codes.get(key, ord(key[0].upper()))}
        self._send("Input.dispatchKeyEvent", type="keyDown", text=text, **common)
        self._send("Input.dispatchKeyEvent", type="keyUp", **common)

    def type(self, text: str) -> None:
        """Type text where the focus is."""
        self._send("Input.insertText", text=text)

    def view(self, width: int, height: int = 900, *, dark: bool = False) -> None:
        """Set the window's size, and whether the system asks for dark colours."""
        self._send("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        colours = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self._send("Emulation.setEmulatedMedia", features=colours)

    def screenshot(self, path: Path, *, whole: bool = True) -> None:
        """Write what is seen, or the whole page, as PNG."""
        found = self._send("Page.captureScreenshot", format="png", captureBeyondViewport=whole, **self._clip(whole))
        path.write_bytes(base64.b64decode(found["data"]))

    def _clip(self, whole: bool) -> dict[str, Any]:
        if not whole:
            return {}
        size = self._send("Page.getLayoutMetrics")["cssContentSize"]
        return {"clip": {"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1}}

    def print(self, path: Path) -> None:
        """Write the page as PDF, as it is printed."""
        found = self._send("Page.printToPDF", printBackground=False, paperWidth=8.27, paperHeight=11.69)
        path.write_bytes(base64.b64decode(found["data"]))

    # --- the pipe -----------------------------------------------------------------------------------------------

    def _send(self, method: str, **params: Any) -> dict[str, Any]:
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": params}
        if self._session is not None:
            message["sessionId"] = self._session
        content = json.dumps(message).encode() + b"\0"
        while content:
            content = content[os.write(self._write, content) :]
        end = time.monotonic() + PATIENCE_S
        while True:
            answer = self._receive(end, method)
            if answer.get("id") == self._number:
                assert "error" not in answer, f"{method}: {answer['error']}"
                result: dict[str, Any] = answer["result"]
                return result
            self._note(answer)

    def _receive(self, end: float, method: str) -> dict[str, Any]:
        while b"\0" not in self._received:
            ready, _, _ = select.select([self._read], [], [], max(0.0, end - time.monotonic()))
            assert ready, f"the browser did not answer to {method}"
            chunk = os.read(self._read, 1 << 20)
            assert chunk, f"the browser ended at {method} with {self._process.wait(PATIENCE_S)}"
            self._received += chunk
        content, self._received = self._received.split(b"\0", 1)
        answer: dict[str, Any] = json.loads(content)
        return answer

    def _note(self, event: Mapping[str, Any]) -> None:
        params = event.get("params", {})
        notes: dict[str, Callable[[], str]] = {
            "Runtime.consoleAPICalled": lambda: json.dumps(params["args"]),
            "Runtime.exceptionThrown": lambda: json.dumps(params["exceptionDetails"]),
            "Log.entryAdded": lambda: json.dumps(params["entry"]),
        }
        if event.get("method") in notes:
            self.logged.append(notes[event["method"]]())
        elif event.get("method") == "Network.requestWillBeSent":
            self.requests.append(params["request"]["url"])
