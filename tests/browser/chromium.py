"""The browser that pages are looked at with: this machine's or, as root on Debian, one that is installed for it."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from playwright.sync_api import Browser, sync_playwright

from tests.servers import Unobtainable, apt_install

PROGRAMS: Final = ("chromium", "chromium-browser", "google-chrome")
PACKAGE: Final = "chromium"
NOT_LOOKED_AT: Final = f"NOT LOOKED AT: there is no {PACKAGE} on this machine (Debian: apt-get install {PACKAGE})."


def found() -> str | None:
    return next((path for name in PROGRAMS if (path := shutil.which(name))), None)


def obtained() -> str:
    """Installed where there is none. Raises Unobtainable."""
    if found() is None:
        apt_install(PACKAGE)
    if (program := found()) is None:
        raise Unobtainable("installed, and not on the PATH")
    return program


@contextmanager
def running(program: str) -> Iterator[Browser]:
    """As a user's: Playwright's own arguments let every popup through, and browsers do not. Root has no sandbox."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=program, args=["--no-sandbox"], ignore_default_args=["--disable-popup-blocking"]
        )
        yield browser
        browser.close()
