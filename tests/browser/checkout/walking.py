"""Every designed state of the checkout, and the steps that lead to it."""

from collections.abc import Callable
from typing import Any, Final

import requests
from playwright.sync_api import Page

from gateway.values.tokens import connected_token, guest_token
from tests.browser.checkout.conftest import Site, headline
from tests.browser.checkout.test_journeys import SCID, invested
from tests.processes.wire import DistantPartner

INFY: Final = {"ticker": "INFY", "quantity": 10, "type": "BUY"}
TCS: Final = {"ticker": "TCS", "quantity": 5, "type": "SELL"}
LIMIT: Final = {**INFY, "orderType": "LIMIT", "price": 1000}


class Walker:
    """A browser that goes straight to a session's URL, opened as the SDK would have."""

    def __init__(self, page: Page, site: Site, partner: DistantPartner) -> None:
        self.page, self.site, self.partner = page, site, partner

    def visit(self, transaction_id: str, *, auth_id: str | None = None, **door: Any) -> None:
        self.page.goto(self.opened(transaction_id, auth_id=auth_id, **door))

    def opened(self, transaction_id: str, *, auth_id: str | None = None, **door: Any) -> str:
        secret = self.partner.jwt_secret
        token = connected_token(secret, auth_id=auth_id) if auth_id else guest_token(secret)
        headers = {"Origin": self.site.shop.origin, "x-gateway-authtoken": token}
        url = f"{self.site.base}/checkout/{self.partner.name}/sessions"
        wanted = {"transactionId": transaction_id, "codeChallenge": "c" * 43, **door}
        answer = requests.post(url, json=wanted, headers=headers, timeout=30).json()
        assert answer["success"], answer
        return str(answer["data"]["url"])

    def basket(self, *securities: Any, **more: Any) -> None:
        self.visit(self.partner.create(list(securities or (INFY, TCS)), **more))

    def intent(self, name: str, **named: Any) -> None:
        body = {"intent": name, **named}
        self.visit(str(self.partner.call("POST", "/gateway/{gateway}/transaction", body).data["transactionId"]))

    def connected(self, kind: str, client_id: str, **more: Any) -> None:
        """At the login of an order on an investment."""
        iscid, auth_id = invested(self.partner, client_id)
        made = self.partner.create_smallcase(kind, iscid=iscid, auth_id=auth_id, **more)
        self.visit(made, auth_id=auth_id)
        self.page.click("button[value='@connected']")

    def broker(self, key: str = "kite") -> None:
        self.page.click(f"button[name=broker][value={key}]")

    def log_in(self, account: str = "happy") -> None:
        self.broker()
        self.page.click(f"button[name=account][value={account}]")

    def confirm(self) -> None:
        self.page.click("#sums .main[value=confirm]")
        self.page.wait_for_selector("[data-headline]")

    def ended(self, account: str, text: str) -> None:
        self.basket()
        self.log_in(account)
        self.confirm()
        headline(self.page, text)


def _search(walker: Walker) -> None:
    walker.basket()
    walker.page.fill("#q", "nowhere")


def _no_broker(walker: Walker) -> None:
    walker.basket()
    walker.page.click("text=My broker is not listed")


def _login(walker: Walker) -> None:
    walker.basket()
    walker.broker()


def _wrong_pins(walker: Walker, times: int) -> None:
    walker.basket()
    walker.broker()
    for _ in range(times):
        walker.page.click("button[name=account][value=login-fails]")


def _open_basket(walker: Walker) -> None:
    walker.basket({"ticker": "INFY"}, {"ticker": "TCS"})
    walker.log_in()


def _wrong_fields(walker: Walker) -> None:
    _open_basket(walker)
    walker.page.fill("input[name=quantity-INFY]", "many")
    walker.page.wait_for_selector("input[name=quantity-INFY][aria-invalid]")


def _confirmation(walker: Walker, account: str = "happy", *securities: Any) -> None:
    walker.basket(*securities)
    walker.log_in(account)
    walker.page.wait_for_selector("#sums")


def _amount(walker: Walker) -> None:
    walker.visit(walker.partner.create_smallcase("BUY", scid=SCID))
    walker.log_in()


def _below_minimum(walker: Walker) -> None:
    _amount(walker)
    walker.page.fill("#amount", "100")
    walker.page.wait_for_selector(".flaw")


def _moved(walker: Walker) -> None:
    pin = "/sandbox/{gateway}/prices/WIPRO"
    walker.partner.call("PUT", pin, {"price": 200})
    _confirmation(walker, "happy", {"ticker": "WIPRO", "quantity": 3, "type": "BUY"})
    walker.partner.call("PUT", pin, {"price": 220})
    walker.page.click("#sums .main")
    walker.page.wait_for_selector("#notices .notice")
    walker.partner.call("DELETE", pin)


def _consent(walker: Walker) -> None:
    walker.intent("HOLDINGS_IMPORT")
    walker.log_in()


def _sip(walker: Walker) -> None:
    iscid, auth_id = invested(walker.partner, "happy-sip")
    made = walker.partner.call("POST", "/gateway/{gateway}/transaction", {"intent": "SIP_SETUP", "iscid": iscid},
                               auth_id=auth_id).data  # fmt: skip
    walker.visit(made["transactionId"], auth_id=auth_id)
    walker.page.click("button[value='@connected']")


def _mismatch(walker: Walker) -> None:
    _, auth_id = invested(walker.partner, "happy-known")
    walker.visit(walker.partner.create([INFY], auth_id=auth_id), auth_id=auth_id)
    walker.page.click("button[name=account][value=partial]")


def _partial_smallcase(walker: Walker) -> None:
    walker.visit(walker.partner.create_smallcase("BUY", scid=SCID, amount=300_000))
    walker.log_in("partial")
    walker.confirm()
    headline(walker.page, "Partly filled")


def _placing(walker: Walker) -> None:
    _confirmation(walker, "slow")
    walker.confirm()


def _elsewhere(walker: Walker) -> None:
    made = walker.partner.create([INFY])
    first = walker.opened(made)
    walker.opened(made)
    walker.page.goto(first)


def _bound(walker: Walker) -> None:
    first = walker.opened(walker.partner.create([INFY]))
    walker.page.goto(first)
    walker.log_in()
    walker.page.wait_for_selector("#sums")
    walker.page.goto(first)


def _left(walker: Walker) -> None:
    walker.basket()
    walker.page.click("[aria-label='Close checkout']")


STATES: Final[dict[str, Callable[[Walker], object]]] = {
    "opening": lambda walker: walker.page.goto(f"{walker.site.base}/scdk/2.0.0/opening"),
    "chooser": lambda walker: walker.basket(),
    "search without result": _search,
    "nothing to choose": lambda walker: walker.visit(walker.partner.create([LIMIT]), brokers=["upstox"]),
    "my broker is not listed": _no_broker,
    "login": _login,
    "wrong PIN": lambda walker: _wrong_pins(walker, 1),
    "locked out": lambda walker: _wrong_pins(walker, 5),
    "confirmation": _confirmation,
    "to be chosen": _open_basket,
    "wrongly chosen": _wrong_fields,
    "amount": _amount,
    "below the minimum": _below_minimum,
    "low funds": lambda walker: _confirmation(walker, "low-funds", INFY),
    "not enough holdings": lambda walker: _confirmation(walker, "no-holdings", TCS),
    "prices moved": _moved,
    "manage": lambda walker: walker.connected("MANAGE", "happy-manage"),
    "exit": lambda walker: walker.connected("EXIT", "happy-exit"),
    "fix": lambda walker: walker.connected("FIX", "partial-fixing"),
    "consent": _consent,
    "sip": _sip,
    "mismatch": _mismatch,
    "placing": _placing,
    "done": lambda walker: walker.ended("happy", "Orders filled"),
    "partly filled": _partial_smallcase,
    "nothing filled": lambda walker: walker.ended("broker-down", "Not placed"),
    "unknown": lambda walker: walker.ended("lost-contact", "Still checking with Zerodha"),
    "elsewhere": _elsewhere,
    "bound": _bound,
    "left": _left,
    "lost": lambda walker: walker.page.goto(f"{walker.site.base}/checkout/s/{'x' * 43}/"),
}
