"""The browser that pages are looked at with: this machine's or, as root on Debian, one that is installed for it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from playwright.sync_api import Browser, sync_playwright

from tests import moved_clock
from tests.programs import Program

# The headless shell needs a third of the processor time of the whole browser.
CHROMIUM: Final = Program(
    ("chromium-headless-shell", "chrome-headless-shell"),
    package="chromium-headless-shell",
    instead=("chromium", "chromium-browser", "google-chrome"),
)
NOT_LOOKED_AT: Final = f"NOT LOOKED AT: Chromium is missing (Debian: apt-get install {CHROMIUM.package})."


@contextmanager
def running(program: Path) -> Iterator[Browser]:
    """As a user's: Playwright's own arguments let every popup through, and browsers do not. Root has no sandbox."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=program,
            args=["--no-sandbox"],
            ignore_default_args=["--disable-popup-blocking"],
            env={**moved_clock.real()},
        )
        yield browser
        browser.close()
