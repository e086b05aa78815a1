"""The ways to the pages that pictures are taken of."""

from collections.abc import Callable, Mapping
from typing import Final

from tests.browser.checkout.conftest import headline
from tests.browser.checkout.test_journeys import SCID
from tests.browser.checkout.walking import Walker
from tests.browser.console_scenes import CONSOLE
from tests.browser.test_shop import SMALLCASE, Newcomer
from tests.browser.test_shop import Site as ShopSite

SLOW: Final = "PT25S"  # by the gateway's clock: the orders of `slow` are filled in part by then
PRICES: Final = {
    **{"INFY": 1512.4, "TCS": 3044.9, "HDFCBANK": 1688.25, "ITC": 431.6, "BHARTIARTL": 1998.2, "HCLTECH": 1389.5},
    **{"TECHM": 1629.3, "WIPRO": 246.55, "PERSISTENT": 5621.0, "COFORGE": 1782.4, "TATACOMM": 1785.6},
    **{"INDUSTOWER": 388.8, "ICICIBANK": 1342.6, "SBIN": 812.35, "KOTAKBANK": 1904.15, "AXISBANK": 1178.9},
}
BASKET: Final = [{"ticker": ticker, "quantity": 10, "type": "BUY"} for ticker in ("INFY", "TCS", "HDFCBANK", "ITC")]
NAMED: Final = {"config": {"orderName": "Four Steady Hands"}}


def _logged_in(walker: Walker, account: str = "happy") -> None:
    walker.basket(*BASKET, **NAMED)
    walker.log_in(account)
    walker.page.wait_for_selector("#sums")


def _invest(walker: Walker) -> None:
    walker.visit(walker.partner.create_smallcase("BUY", scid=SCID, amount=250_000))
    walker.log_in("partial")
    walker.confirm()


def _login(walker: Walker) -> None:
    walker.basket(*BASKET, **NAMED)
    walker.broker()


def _filling(walker: Walker) -> None:
    _logged_in(walker, "slow")
    walker.confirm()
    headline(walker.page, "Orders placed")
    walker.partner.advance(SLOW)
    walker.page.wait_for_selector("#progress progress:not([value='0'])")


def _ended(account: str, text: str) -> Callable[[Walker], None]:
    def walk(walker: Walker) -> None:
        _logged_in(walker, account)
        walker.confirm()
        headline(walker.page, text)

    return walk


def _partly(walker: Walker) -> None:
    _invest(walker)
    headline(walker.page, "Partly filled")


def _basket(walker: Walker) -> None:
    _newcomer(walker).look_at("stocks")
    for ticker in ("INFY", "TCS"):
        walker.page.click(f"button[aria-label='Add {ticker}']")
    walker.page.fill("#quantity-TCS", "3")


def _shop(tab: str) -> Callable[[Walker], None]:
    return lambda walker: _newcomer(walker).look_at(tab)


def _investor(tab: str) -> Callable[[Walker], None]:
    """Who has bought at the demo site, and whose investment has a rebalance pending."""

    def walk(walker: Walker) -> None:
        newcomer = _newcomer(walker)
        newcomer.look_at("smallcases")
        walker.page.click(f"button[aria-label='Invest in {SMALLCASE}']")
        newcomer.confirm(newcomer.log_in())
        newcomer.sheet_says("Completed")
        newcomer.look_at("investments")
        walker.page.click("[data-play]")
        walker.page.wait_for_selector("[data-pending=REBALANCE]")
        newcomer.look_at(tab)
        walker.page.wait_for_selector("#toasts > *", state="detached")

    return walk


def _newcomer(walker: Walker) -> Newcomer:
    return Newcomer(walker.page, ShopSite(walker.site.base, walker.site.demo))


# A scene is a way to a page, and a line here.
SCENES: Final[Mapping[str, Callable[[Walker], object]]] = {
    **CONSOLE,  # first, so that it counts nothing of the others
    "checkout-chooser": lambda walker: walker.basket(*BASKET, **NAMED),
    "checkout-login": _login,
    "checkout-confirmation": _logged_in,
    "checkout-filling": _filling,
    "checkout-done": _ended("happy", "Orders filled"),
    "checkout-partly-filled": _partly,
    "checkout-unknown": _ended("lost-contact", "Still checking with Zerodha"),
    "demo-stocks": _basket,
    "demo-smallcases": _shop("smallcases"),
    "demo-investments": _investor("investments"),
    "demo-webhooks": _investor("webhooks"),
}
