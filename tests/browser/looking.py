"""What can be measured about how a page looks, whatever it shows."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, Literal

from tests.browser.conftest import Visitor

Look = tuple[str, Literal["light", "dark"]]
LOOKS: Final[Sequence[Look]] = (("phone", "dark"), ("desktop", "light"))
AXE: Final = Path(__file__).parent / "checkout" / "vendor" / "axe-core-4.14.1" / "axe.min.js"
# Without loading style sheets a second time, which the page's policy refuses.
RUN_AXE: Final = "() => axe.run({preload: false, resultTypes: ['violations']}).then(found => found.violations)"
# Colours have reached their ends: a link's changes slowly, and axe would measure it on its way.
SETTLED: Final = "() => Promise.all(document.getAnimations().map(one => one.finished))"
WIDER: Final = "() => document.scrollingElement.scrollWidth > innerWidth"
FOCUSABLE: Final = ":is(a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex='0'])"
# What has the keyboard's focus, and nothing around it that says so.
UNSEEN: Final = f"""() => [...document.querySelectorAll("{FOCUSABLE}")].filter(one => {{
    one.focus({{focusVisible: true}});
    if (document.activeElement !== one) return false;
    const style = getComputedStyle(one);
    return (style.outlineStyle === "none" || style.outlineWidth === "0px") && style.boxShadow === "none";
}}).map(one => one.outerHTML.slice(0, 120))"""


def flaws_on_both(visitor: Visitor) -> Iterator[str]:
    """Of the page that is open: on a phone by dark, then on a desk by light."""
    yield from flaws_in(visitor, LOOKS)


def flaws_in(visitor: Visitor, looks: Sequence[Look]) -> Iterator[str]:
    for device, scheme in looks:
        visitor.page.emulate_media(color_scheme=scheme)
        visitor.resize(device)
        visitor.page.evaluate(SETTLED)
        yield from (f"{device}, {scheme}: {flaw}" for flaw in flaws(visitor))


def flaws(visitor: Visitor) -> Iterator[str]:
    """Of the page that is open: what axe finds, what sticks out at the side, what hides that it has the focus."""
    page = visitor.page
    where = page.url.removeprefix(visitor.base)
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(AXE.read_text())
    for found in page.evaluate(RUN_AXE):
        yield f"{where}: {found['id']}: {[node['html'] for node in found['nodes']]}"
    if page.evaluate(WIDER):
        yield f"{where}: is wider than the window"
    for unseen in page.evaluate(UNSEEN):
        yield f"{where}: has no ring in focus: {unseen}"
    if page.locator("h1").count() != 1:
        yield f"{where}: has not one heading of the first level"
