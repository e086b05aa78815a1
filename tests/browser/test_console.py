"""The console's own pages in a browser: light and dark, on a desk and on a phone, for everybody."""

from pathlib import Path
from typing import Final, Literal

import pytest

from tests.browser.conftest import Site, Visitor
from tests.browser.test_policy import enter

AXE: Final = Path(__file__).parent / "checkout" / "vendor" / "axe-core-4.14.1" / "axe.min.js"
RUN_AXE: Final = "() => axe.run({resultTypes: ['violations']}).then(found => found.violations)"
WIDER: Final = "() => document.documentElement.scrollWidth > document.documentElement.clientWidth"
COLOURS: Final[tuple[Literal["light"], Literal["dark"]]] = ("light", "dark")


@pytest.mark.parametrize("scheme", COLOURS)
def test_home_and_the_second_factor_have_no_violation_and_fit(
    visitor: Visitor, site: Site, scheme: Literal["light", "dark"]
) -> None:
    visitor.page.emulate_media(color_scheme=scheme)
    enter(visitor, site.password)
    found, wide = {}, []

    for path in ("/admin/", "/admin/second-factor/"):
        visitor.go(path)
        visitor.page.evaluate(AXE.read_text())
        violations = visitor.page.evaluate(RUN_AXE)
        found[path] = [(one["id"], [node["html"] for node in one["nodes"]]) for one in violations]
        wide += [path] if visitor.page.evaluate(WIDER) else []

    assert found == {"/admin/": [], "/admin/second-factor/": []}
    assert wide == []
    assert visitor.complaints == []


def test_home_leads_by_keyboard_to_the_orders_that_filled(visitor: Visitor, site: Site) -> None:
    enter(visitor, site.password)

    visitor.page.get_by_role("link", name="Filled orders").focus()
    visitor.page.keyboard.press("Enter")

    visitor.page.wait_for_selector("#result_list")
    assert visitor.page.url.endswith("/admin/transactions/order/?status__exact=COMPLETE")
    assert visitor.page.get_by_role("img", name="Orders filled per hour").count() == 0
    visitor.go("/admin/")
    assert visitor.page.get_by_role("img", name="Orders filled per hour").count() == 1
