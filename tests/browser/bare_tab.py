"""Tabs that Playwright does not manage.

A page under Playwright always counts as focused and visible, and neither prerendering nor the
back/forward cache is to be had. These tabs live in browser contexts of their own, of which
Playwright knows nothing, and are driven over the DevTools protocol only as far as a test asks.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from playwright.sync_api import Browser, CDPSession

WAIT_S = 30.0
"""How long a condition may take on a loaded machine."""


PRERENDERING_WAIT_S = 10.0
"""How long a page may take to be prerendered, if the browser does it at all."""


class NoAnswerError(Exception):
    """What a tab answered instead of a result."""


class BareTabs:
    """A browser context with a window of its own; a tab of it that another one covers is hidden."""

    def __init__(self, browser: Browser) -> None:
        self._cdp: CDPSession = browser.new_browser_cdp_session()
        self._context: str = self._cdp.send("Target.createBrowserContext")["browserContextId"]
        self._answers: dict[int, dict[str, Any]] = {}
        self._number = 0
        self._cdp.on("Target.receivedMessageFromTarget", self._hear)

    def _hear(self, event: dict[str, Any]) -> None:
        message = json.loads(event["message"])
        if "id" in message:
            self._answers[message["id"]] = message

    def open(self, url: str, *, background: bool = False) -> BareTab:
        """A new tab; in the background it is hidden until it is shown."""
        target = self._cdp.send(
            "Target.createTarget",
            {"url": url, "browserContextId": self._context, "background": background},
        )
        return BareTab(self, target["targetId"])

    def open_with_sdk(self, url: str) -> BareTab:
        """A new tab whose page has loaded, and the SDK with it."""
        tab = self.open(url)
        tab.wait("document.readyState == 'complete' && window.perftui")
        return tab

    def close(self) -> None:
        """Closes all tabs, as a user closes a window."""
        self._cdp.send("Target.disposeBrowserContext", {"browserContextId": self._context})
        self._cdp.detach()

    def send(self, method: str, **parameters: Any) -> Any:
        return self._cdp.send(method, parameters)

    def call(self, session: str, method: str, **parameters: Any) -> dict[str, Any]:
        """The answer of a tab.

        Raises:
            NoAnswerError: it was an error, such as that the page went meanwhile.
            AssertionError: there was none.
        """
        self._number += 1
        number = self._number
        message = json.dumps({"id": number, "method": method, "params": parameters})
        self.send("Target.sendMessageToTarget", sessionId=session, message=message)
        end = time.monotonic() + WAIT_S
        while number not in self._answers:
            assert time.monotonic() < end, f"no answer to {method}"
            # Events are heard while a call is under way.
            self.send("Browser.getVersion")
        answer = self._answers.pop(number)
        if "error" in answer:
            raise NoAnswerError(answer["error"]["message"])
        result: dict[str, Any] = answer["result"]
        return result


class BareTab:
    """One tab. The tools attach to it with the first call that needs them: before that, it can do
    what they forbid (prerendering)."""

    def __init__(self, tabs: BareTabs, target: str) -> None:
        self._tabs = tabs
        self._target = target
        self._attached: str | None = None

    def _call(self, method: str, **parameters: Any) -> dict[str, Any]:
        if self._attached is None:
            self._attached = self._tabs.send(
                "Target.attachToTarget", targetId=self._target, flatten=False
            )["sessionId"]
        return self._tabs.call(self._attached, method, **parameters)

    def evaluate(self, expression: str) -> Any:
        """The value of an expression; a promise's, once it is settled."""
        answer = self._call(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        if "exceptionDetails" in answer:
            raise NoAnswerError(str(answer))
        return answer["result"].get("value")

    def wait(self, expression: str) -> None:
        """Until an expression is true.

        Raises:
            AssertionError: it was not within ``WAIT_S`` seconds.
        """
        end = time.monotonic() + WAIT_S
        while time.monotonic() < end:
            # The page may be going at this very moment.
            with suppress(NoAnswerError):
                if self.evaluate(f"!!({expression})"):
                    return
            time.sleep(0.02)
        raise AssertionError(f"waited in vain for {expression}")

    def click(self, selector: str) -> None:
        """A real click in the middle of an element."""
        x, y = self.evaluate(
            f"(({{x, y, width, height}}) => [x + width / 2, y + height / 2])"
            f"(document.querySelector({selector!r}).getBoundingClientRect())"
        )
        for kind in ("mousePressed", "mouseReleased"):
            self._call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def press(self, key: str) -> None:
        """A letter on the keyboard."""
        for kind in ("keyDown", "keyUp"):
            self._call("Input.dispatchKeyEvent", type=kind, key=key, text=key)

    def show(self) -> None:
        """Makes it the tab that is seen."""
        self._tabs.send("Target.activateTarget", targetId=self._target)

    def leave(self) -> None:
        """Goes elsewhere, so that the page is over."""
        self.evaluate("void setTimeout(() => { location = 'about:blank' })")

    def close(self) -> None:
        self._tabs.send("Target.closeTarget", targetId=self._target)


def open_prerendering(
    browser: Browser, url: str, is_prerendered: Callable[[], object]
) -> tuple[BareTabs, BareTab]:
    """A tab whose page has had another one prerendered. To do so is the browser's choice: one that
    had other things to do at that moment is asked again, from a new window.

    Raises:
        AssertionError: it did not, in three windows.
    """
    for _ in range(3):
        tabs = BareTabs(browser)
        tab = tabs.open(url)
        end = time.monotonic() + PRERENDERING_WAIT_S
        while time.monotonic() < end:
            if is_prerendered():
                return tabs, tab
            time.sleep(0.02)
        tabs.close()
    raise AssertionError(f"nothing was prerendered by {url}")
