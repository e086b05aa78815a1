"""The console's own pages in a browser: light and dark, on a desk and on a phone, for everybody."""

from collections.abc import Callable
from itertools import cycle
from typing import Final

import pytest

from tests.browser.conftest import Site, Visitor
from tests.browser.looking import LOOKS, flaws_in, flaws_on_both
from tests.browser.test_policy import CONSOLE, enter
from tests.examples import examples

DESK: Final = "/admin/transactions/ordercorrection/desk/"
STUDIO: Final = "/admin/smallcases/smallcase/studio/"
FORMS: Final = (
    *("/admin/auth/user/add/", "/admin/auth/group/add/", "/admin/brokers/marketday/add/", "/admin/password_change/"),
    *("/admin/gateway/gateway/1/origins/", f"{DESK}gateways/1/clock/", "/admin/auth/user/1/password/"),
    *("/admin/webhooks/endpoint/new/1/", "/admin/webhooks/endpoint/1/url/", "/admin/webhooks/endpoint/1/subscription/"),
)
Way = Callable[[Visitor], None]


@pytest.fixture
def operator(person: Visitor, site: Site) -> Visitor:
    """Logged in, with everything allowed."""
    enter(person, site.password)
    return person


def _to(path: str) -> Way:
    return lambda visitor: visitor.go(path)


def _lost(visitor: Visitor) -> None:
    visitor.go(DESK)
    visitor.page.locator("section[aria-labelledby=lost] tbody a").first.click()
    visitor.page.wait_for_selector("#asked")


def _settle(visitor: Visitor) -> None:
    """As nothing, whatever a book has suggested."""
    _lost(visitor)
    visitor.page.select_option("#id_status", "CANCELLED")
    visitor.page.fill("#id_filled_quantity", "0")
    visitor.page.fill("#id_average_price", "")
    visitor.page.fill("#id_exchange_order_id", "")
    visitor.page.fill("#id_reason", "No trade of it.")
    visitor.page.get_by_role("button", name="Preview").click()
    visitor.page.wait_for_selector(".desk-effect")


def _settled(visitor: Visitor) -> None:
    _settle(visitor)
    visitor.page.get_by_role("button", name="Confirm").click()
    visitor.page.wait_for_selector(".messagelist")


def _undo(visitor: Visitor) -> None:
    visitor.page.get_by_role("link", name="Undo").click()
    visitor.page.wait_for_selector(".desk-effect")


def _book(visitor: Visitor) -> None:
    """The simulated broker's tradebook, downloaded from the page of an order in ERROR."""
    _lost(visitor)
    address = str(visitor.page.get_by_role("link", name="generic").get_attribute("href"))
    text = visitor.page.request.get(visitor.base + address).body()
    visitor.go(f"{DESK}tradebooks/")
    visitor.page.set_input_files("#id_file", {"name": "book.csv", "mimeType": "text/csv", "buffer": text})
    visitor.page.get_by_role("button", name="Upload and match").click()
    visitor.page.wait_for_selector(".desk-verdicts")


def _refused_book(visitor: Visitor) -> None:
    visitor.go(f"{DESK}tradebooks/")
    book = {"name": "book.csv", "mimeType": "text/csv", "buffer": b"symbol,quantity\nINFY,=1+1\n"}
    visitor.page.set_input_files("#id_file", book)  # type: ignore[arg-type]
    visitor.page.get_by_role("button", name="Upload and match").click()
    visitor.page.wait_for_selector(".errornote")


def _smallcase(visitor: Visitor) -> None:
    visitor.go(STUDIO)
    visitor.page.get_by_role("link", name="SCNM_0011").first.click()
    visitor.page.wait_for_selector("#versions")


def _draft(visitor: Visitor) -> None:
    """Created by the first caller."""
    _smallcase(visitor)
    visitor.page.locator("#content-main .button.default").click()
    visitor.page.wait_for_selector("#lines")


def _draft_with_a_search(visitor: Visitor) -> None:
    _draft(visitor)
    visitor.page.fill("#id_term", "bank")
    visitor.page.get_by_role("button", name="Find").click()
    visitor.page.wait_for_selector(".studio-found")


def _studio_preview(visitor: Visitor) -> None:
    """A name less, and so a sum that does not fit; the next one makes it whole."""
    _draft(visitor)
    visitor.page.get_by_role("button", name="Remove").first.click()
    visitor.page.get_by_role("button", name="Scale").click()
    visitor.page.get_by_role("button", name="Save and preview").click()
    visitor.page.wait_for_selector("#changes")


WAYS: Final[dict[str, tuple[Way, ...]]] = {
    "home, and forms": tuple(_to(path) for path in ("/admin/", "/admin/second-factor/", "/admin/webhooks/", *FORMS)),
    "the desk": (_to(DESK), _lost, _settle, _settled, _undo, _to(f"{DESK}tradebooks/"), _refused_book, _book),
    "the studio": (_to(STUDIO), _smallcase, _draft, _draft_with_a_search, _studio_preview),
}


@pytest.mark.parametrize("ways", WAYS.values(), ids=WAYS)
def test_every_page_is_read_by_everybody(operator: Visitor, ways: tuple[Way, ...]) -> None:
    found: list[str] = []

    for walk in ways:
        walk(operator)
        found += flaws_on_both(operator)

    assert found == []
    assert operator.complaints == []


def test_every_list_and_its_first_row_are_read_by_everybody(operator: Visitor) -> None:
    """The list in one look, the row in the other, by turns; each in both with --long."""
    found: list[str] = []
    headings: list[str] = []
    looks = cycle(LOOKS)

    for path in CONSOLE:
        operator.go(path)
        headings.append(operator.page.locator("#content h1").inner_text())
        found += flaws_in(operator, examples([next(looks)], long=LOOKS))
        rows = operator.page.locator("#result_list tbody th a")
        if rows.count():
            operator.go(str(rows.first.get_attribute("href")))
            found += flaws_in(operator, examples([next(looks)], long=LOOKS))

    assert found == []
    assert len(set(headings)) == len(headings)
    assert operator.complaints == []


@pytest.mark.parametrize("path", ["/admin/nothing/", f"{DESK}orders/999999/", "/admin/transactions/order/?q=%00"])
def test_a_refusal_is_a_page(operator: Visitor, path: str) -> None:
    operator.go(path)

    assert list(flaws_on_both(operator)) == []
    assert operator.page.get_by_role("link", name="Console home").count() == 1


def test_the_way_in_is_read_by_everybody(person: Visitor) -> None:
    person.go("/admin/login/")

    assert list(flaws_on_both(person)) == []
    assert person.complaints == []


def test_home_leads_by_keyboard_to_the_orders_that_filled(operator: Visitor) -> None:
    operator.page.get_by_role("link", name="Filled orders").focus()
    operator.page.keyboard.press("Enter")

    operator.page.wait_for_selector("#result_list")
    assert operator.page.url.endswith("/admin/transactions/order/?status__exact=COMPLETE")
    assert operator.page.get_by_role("img", name="Orders filled per hour").count() == 0
    operator.go("/admin/")
    assert operator.page.get_by_role("img", name="Orders filled per hour").count() == 1
