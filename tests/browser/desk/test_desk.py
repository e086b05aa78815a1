"""Support at work: one order by hand, a book with every verdict in it, four eyes, and a change of mind."""

import csv
import io
from typing import Final

from tests.browser.desk.conftest import Site
from tests.browser.people import DESK, Person

VERDICTS: Final = ("exact match", "partial", "zero-fill", "contradicts", "duplicate", "unknown order", "already final")


def settle(person: Person, *, status: str, shares: int, price: str, reason: str) -> None:
    """The form, the preview, the confirmation."""
    person.settles(status=status, shares=shares, price=price, reason=reason)
    person.presses("Confirm")


def book_with_every_verdict(site: Site, clients: list[str]) -> str:
    """A tradebook of orders in ERROR: exact, partial, missing, too many shares, another client's, already corrected."""
    header, *_ = book = site.book()
    lines = [line for line in csv.DictReader(book) if line["client_id"] in clients]
    of = {client: [line for line in lines if line["client_id"] == client] for client in clients}
    _, half, left_out, too_much, stranger, _ = (of[client][-1] for client in clients)
    half["quantity"], too_much["quantity"] = "4", "11"
    stranger |= {"order_ref": "f" * 24, "order_id": "1199999999999999", "client_id": ""}
    text = io.StringIO()
    writer = csv.DictWriter(text, header.split(","), lineterminator="\n")
    writer.writeheader()
    writer.writerows(line for line in lines if line is not left_out)
    return text.getvalue()


class TestTheDesk:
    def test_corrects_one_order_by_hand(self, site: Site, asha: Person) -> None:
        client = site.lost()
        asha.opens_order_of(client)

        settle(asha, status="COMPLETE", shares=10, price="3000.50", reason="Contract note.")

        asha.reads("Corrected.")
        asha.reads("COMPLETED")
        asha.go(DESK)
        assert client not in asha.page.inner_text("#content")

    def test_lays_out_a_book_with_every_verdict_and_applies_it(self, site: Site, asha: Person) -> None:
        clients = [site.lost() for _ in range(6)]
        asha.uploads("\n".join(site.book(clients[-1])) + "\n")
        asha.presses("Apply all")
        asha.page.locator("td", has_text="applied").first.wait_for()

        asha.uploads(book_with_every_verdict(site, clients))
        counts = {
            verdict: asha.page.locator(f"a[href='?verdict={verdict.replace(' ', '%20')}'] b") for verdict in VERDICTS
        }
        assert [verdict for verdict, count in counts.items() if int(count.inner_text()) < 1] == []
        asha.presses("Apply all")

        asha.page.locator("tr", has_text="exact match").locator("td", has_text="applied").first.wait_for()
        asha.page.locator("tr", has_text="zero-fill").locator("td", has_text="waiting").first.wait_for()
        asha.go(DESK)
        left = asha.page.inner_text("#content")
        assert [client in left for client in clients] == [False, True, True, True, True, False]

    def test_takes_four_eyes_and_refuses_ones_own(self, site: Site, asha: Person, ravi: Person) -> None:
        asha.opens_order_of(site.lost())
        asha.page.locator("section[aria-labelledby=batch] a", has_text="INFY").click()
        asha.page.locator("h1", has_text="INFY").wait_for()
        settle(asha, status="REJECTED", shares=0, price="", reason="The broker's letter.")
        asha.reads("Another person must approve it")

        asha.page.get_by_role("button", name="Approve and apply").click()
        asha.reads("You cannot approve your own proposal")

        ravi.go(DESK)
        ravi.page.locator(".desk-proposal", has_text="The broker's letter.").get_by_role(
            "button", name="Approve"
        ).click()
        ravi.reads("Approved and applied.")

    def test_undoes_a_correction(self, site: Site, asha: Person) -> None:
        client = site.lost()
        asha.opens_order_of(client)
        settle(asha, status="CANCELLED", shares=0, price="", reason="No trade of it.")
        asha.reads("Corrected.")

        asha.page.get_by_role("link", name="Undo").click()
        asha.page.fill("#id_reason", "There was one.")
        asha.page.get_by_role("button", name="Undo").click()

        asha.reads("Undone.")
        asha.go(DESK)
        asha.reads(client)
