"""The ways to the pages of the console that pictures are taken of."""

import csv
import io
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import Browser

from tests.browser.checkout.conftest import Site
from tests.browser.checkout.walking import Walker
from tests.browser.people import DESK, OWN, Person, desktop, make_people
from tests.processes.stack import manage
from tests.processes.waiting import until
from tests.processes.wire import DistantPartner

SCID: Final = OWN["meera"]
PUBLISHED: Final = "ticker,weight\nHDFCBANK,28\nICICIBANK,26\nSBIN,20\nKOTAKBANK,15\nAXISBANK,11\n"
LABEL: Final = "A little more of the second"
# The last order of each is lost; what the staged book says of it stands behind it.
BASKETS: Final = {
    "lost-contact-leela": {"ITC": 40, "HDFCBANK": 15},  # exact match
    "lost-contact-imran": {"WIPRO": 60, "INFY": 25},  # partial
    "lost-contact-farah": {"HCLTECH": 20, "TCS": 12},  # zero-fill
}
INVESTOR: Final = "lost-contact-devi"  # exact match, and her order is the one that is shown
CUT: Final = ("lost-contact-imran", "INFY")
LEFT_OUT: Final = ("lost-contact-farah", "TCS")
REASON: Final = "Filled to the last share, by the broker's tradebook of today."
WEIGHTS: Final = {"HDFCBANK": "26", "ICICIBANK": "24", "KOTAKBANK": "18", "AXISBANK": "12"}
_prepared: set[str] = set()


def _seen_by(name: str, walker: Walker) -> Person:
    """At their browser, once there is something to be seen."""
    if walker.site.base not in _prepared:
        _prepare(walker.site, walker.partner, walker.page.context.browser)
        _prepared.add(walker.site.base)
    return Person(walker.page, walker.site.base, name)


def _prepare(site: Site, partner: DistantPartner, browser: Browser | None) -> None:
    """People, a rebalance that one of two investors has adopted, orders in ERROR, and a staged tradebook."""
    assert browser is not None
    make_people(site.environment)
    _rebalance(site, partner)
    lost = {client: partner.create(_lines(shares)) for client, shares in BASKETS.items()}
    lost[INVESTOR] = partner.create_smallcase("BUY", scid=SCID)
    for client, transaction_id in lost.items():
        chosen: dict[str, Any] = {"amount": 60_000} if client == INVESTOR else {}
        assert partner.complete(transaction_id, client, **chosen).status == 200
    until(lambda: {partner.details(one)["status"] for one in lost.values()} == {"COMPLETED"}, what="given up")
    asha = Person(desktop(browser), site.base, "asha")
    asha.uploads(_book(site, partner))
    asha.leaves()


def _rebalance(site: Site, partner: DistantPartner) -> None:
    iscids = {client: _invested(partner, client) for client in ("happy-arjun", "happy-nila")}
    file = Path(site.environment["VAR_DIR"]) / "published.csv"
    file.write_text(PUBLISHED)
    manage("publish_rebalance", SCID, str(file), "--label", LABEL, "--by", "meera", environment=site.environment)
    iscid, auth_id = iscids["happy-arjun"]
    taken = partner.create_smallcase("REBALANCE", iscid=iscid, auth_id=auth_id)
    assert partner.complete(taken, "happy-arjun", wait=20).status == 200


def _invested(partner: DistantPartner, client: str) -> tuple[str, str]:
    """iscid and smallcaseAuthId."""
    answer = partner.complete(partner.create_smallcase("BUY", scid=SCID), client, wait=20, amount=200_000)
    assert answer.status == 200, answer.body
    return answer.data["iscid"], partner.details(answer.data["transactionId"])["smallcaseAuthId"]


def _lines(shares: Mapping[str, int]) -> list[dict[str, Any]]:
    return [{"ticker": ticker, "quantity": quantity, "type": "BUY"} for ticker, quantity in shares.items()]


def _book(site: Site, partner: DistantPartner) -> str:
    """The broker's own of these clients, in an order of its own; one order is cut short, one is left out."""
    printed = manage("tradebook", "kite", "--gateway", partner.name, environment=site.environment)
    lines = [line for line in csv.DictReader(io.StringIO(printed)) if line["client_id"] in {*BASKETS, INVESTOR}]
    text = io.StringIO()
    writer = csv.DictWriter(text, list(lines[0]), lineterminator="\n")
    writer.writeheader()
    for line in sorted(lines, key=lambda line: (line["client_id"], line["symbol"])):
        order = line["client_id"], line["symbol"]
        if order != LEFT_OUT:
            writer.writerow({**line, "quantity": "10"} if order == CUT else line)
    return text.getvalue()


def _order(walker: Walker) -> Person:
    asha = _seen_by("asha", walker)
    asha.opens_order_of(INVESTOR)
    return asha


def _correction(walker: Walker) -> None:
    asha = _order(walker)
    asha.page.fill("#id_reason", REASON)
    asha.presses("Preview")
    asha.reads("nothing has been saved.")


def _tradebook(walker: Walker) -> None:
    asha = _seen_by("asha", walker)
    asha.go(f"{DESK}tradebooks/")
    asha.page.get_by_role("link", name="book.csv").click()
    asha.page.wait_for_selector(".desk-verdicts")


def _draft(walker: Walker) -> Person:
    meera = _seen_by("meera", walker)
    meera.opens_draft_of(OWN["meera"])
    for ticker, weight in WEIGHTS.items():
        meera.page.get_by_label(f"Weight of {ticker}").fill(weight)
    meera.page.fill("#id_label", "Less of the largest")
    meera.page.evaluate("scrollTo(0, 0)")
    return meera


def _rebalance_preview(walker: Walker) -> None:
    meera = _draft(walker)
    meera.presses("Save and preview")
    meera.reads("Nothing has been published.")


def _trail(walker: Walker) -> None:
    _seen_by("noor", walker).go("/admin/gateway/auditentry/")


CONSOLE: Final[Mapping[str, Callable[[Walker], object]]] = {
    "console-home": lambda walker: _seen_by("asha", walker),
    "console-desk": lambda walker: _seen_by("asha", walker).go(DESK),
    "console-order": _order,
    "console-correction": _correction,
    "console-tradebook": _tradebook,
    "console-draft": _draft,
    "console-rebalance": _rebalance_preview,
    "console-trail": _trail,
}
