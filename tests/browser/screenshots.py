"""Pictures of what people see, written to docs/screenshots: each scene on a phone and a desktop, light and dark.

usage: python -m tests.browser.screenshots [scene …]

A gateway of its own is started in a temporary directory, prices are pinned, and what differs from one run to the next
all the same (a countdown, a time, an id) is written over in the page before its picture is taken. Fonts are those of
the machine.
"""

import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from io import BytesIO
from pathlib import Path
from typing import Final, Literal, NamedTuple

from PIL import Image
from playwright.sync_api import Browser, Page

from tests.browser import chromium
from tests.browser.checkout.conftest import PATIENCE, serving
from tests.browser.checkout.walking import Walker
from tests.browser.scenes import PRICES, SCENES
from tests.programs import ROOT, Unobtainable

FOLDER: Final = ROOT / "docs" / "screenshots"
COLOURS: Final = 128
STILL: Final = """() => {
    const still = [[/\\b\\d\\d:\\d\\d:\\d\\d IST/g, "10:30:00 IST"], [/\\b[0-9a-f]{24}\\b/g, "6560f1c0ffee01234567"],
                   [/^\\d{1,2}:\\d\\d$/, "14:32"], [/\\b\\d{1,2}:\\d\\d:\\d\\d [ap]m/g, "10:30:00 am"],
                   [/\\b20\\d\\d-\\d\\d-\\d\\d \\d\\d:\\d\\d:\\d\\d/g, "2026-11-20 05:00:00"],
                   [/\\b20\\d\\d-\\d\\d-\\d\\d \\d\\d:\\d\\d(?!:)/g, "2026-11-20 05:00"],
                   [/^\\d\\d:00 IST$/, "10:00 IST"], [/^(\\d+ d )?(\\d+ h )?\\d+ min$/, "12 min"],
                   [/\\b\\w+@[\\w.-]+/g, "ops@gateway"]];
    for (const counts of document.querySelectorAll("[data-seconds]")) counts.replaceWith(counts.cloneNode(true));
    for (const count of document.querySelectorAll("[aria-labelledby=h-lag] td.number")) count.textContent = "0";
    const sums = ["₹16,700.00", "₹16,700.00", "₹12,700.00", "₹10,600.00"];  // at the prices of the moment
    for (const sum of document.querySelectorAll(".studio-facts td"))
        if (sum.textContent.startsWith("₹")) sum.textContent = sums.shift();
    for (const id of document.querySelectorAll("#id_exchange_order_id")) id.value = id.value && "1100000000000001";
    const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    for (let at = walk.nextNode(); at; at = walk.nextNode())
        for (const [changing, fixed] of still) at.data = at.data.replace(changing, fixed);
}"""


class Look(NamedTuple):
    device: str
    scheme: Literal["light", "dark"]
    width: int
    height: int


LOOKS: Final = [
    Look(device, scheme, *size)
    for device, size in {"phone": (390, 844), "desktop": (1280, 900)}.items()
    for scheme in ("light", "dark")
]


def main(names: Sequence[str]) -> int:
    if unknown := set(names) - set(SCENES):
        print(f"No scene {', '.join(sorted(unknown))}; there are {', '.join(SCENES)}.", file=sys.stderr)
        return 2
    try:
        program = chromium.CHROMIUM.obtained()
    except Unobtainable as reason:
        print(f"No Chromium ({reason}), so no pictures.", file=sys.stderr)
        return 1
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="gateway-pictures-") as directory, ExitStack() as stack:
        browser = stack.enter_context(chromium.running(program))
        site = stack.enter_context(serving(Path(directory)))
        partner = site.partner("acme")
        for ticker, price in PRICES.items():
            partner.call("PUT", f"/sandbox/{{gateway}}/prices/{ticker}", {"price": price})
        for name in names or SCENES:
            page = _page(browser)
            SCENES[name](Walker(page, site, partner))
            for picture in _taken(page, name):
                print(f"{picture.relative_to(ROOT)}  {picture.stat().st_size / 1000:.0f} kB", flush=True)
            page.context.close()
    return 0


def _page(browser: Browser) -> Page:
    """As a phone's, of which a desktop's picture is made by another size of the same page."""
    context = browser.new_context(
        viewport={"width": 390, "height": 844}, reduced_motion="reduce", locale="en-IN", timezone_id="Asia/Kolkata"
    )
    context.set_default_timeout(PATIENCE)
    return context.new_page()


def _taken(page: Page, name: str) -> Iterator[Path]:
    page.wait_for_load_state("networkidle")
    for look in LOOKS:
        page.set_viewport_size({"width": look.width, "height": look.height})
        page.emulate_media(color_scheme=look.scheme, reduced_motion="reduce")
        page.evaluate("document.activeElement.blur()")
        page.evaluate(STILL)
        path = FOLDER / f"{name}-{look.device}-{look.scheme}.png"
        path.write_bytes(_reduced(page.screenshot(animations="disabled", caret="hide")))
        yield path


def _reduced(png: bytes) -> bytes:
    """A third of the bytes, by a palette: pages have few colours."""
    small = BytesIO()
    with Image.open(BytesIO(png)) as picture:
        picture.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE).save(small, "PNG", optimize=True)
    return small.getvalue()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
