"""What the confirmation screen is told: the orders as they would be placed, their cost, and what is there for them."""

from datetime import datetime
from decimal import Decimal

import pytest

from brokers.market import price_overrides
from brokers.market.charges import Charges
from brokers.ports.broker import OrderType, Side, Unreachable
from brokers.simulator.adapter import SimulatedBroker
from gateway.models import Gateway
from gateway.values.errors import Invalid
from tests import make
from transactions.checkout.confirm import UserSelections
from transactions.checkout.order_quote import OrderQuote, quote_orders, quote_request_of
from transactions.domain.basket import Security
from transactions.models import Batch, Transaction
from transactions.queries.order_context import order_context

BUY = Security("INFY", 10, Side.BUY)
SELL = Security("TCS", 5, Side.SELL)
LIMIT = Security("INFY", 10, Side.BUY, OrderType.LIMIT, price=Decimal("950.00"))
OPEN = Security("INFY")


def quoted(transaction: Transaction, now: datetime, **chosen: Security) -> OrderQuote:
    context = order_context(transaction, now=now)
    return quote_orders(context, of=quote_request_of(context), selections=UserSelections(securities=chosen))


def of_basket(gateway: Gateway, now: datetime, *securities: Security, client_id: str = "happy") -> OrderQuote:
    for ticker, price in (("INFY", 1000), ("TCS", 3000)):
        price_overrides.override_price(gateway=gateway, ticker=ticker, price=Decimal(price), now=now)
    made = make.logged_in(gateway=gateway, securities=securities, client_id=client_id, now=now)
    return quoted(made, now)


class TestAQuote:
    def test_adds_up_buys_sells_and_charges(self, gateway: Gateway, now: datetime) -> None:
        """Zerodha takes no brokerage: 0.1 % STT, 0.00317 % exchange and SEBI with GST, 0.015 % stamp or 15.34 DP."""
        found = of_basket(gateway, now, BUY, SELL)

        assert (found.buys, found.sells) == (Decimal(10_000), Decimal(15_000))
        assert found.charges == Charges(
            stt=Decimal(25),
            exchange=Decimal("0.77"),
            sebi=Decimal("0.03"),
            stamp=Decimal("1.50"),
            gst=Decimal("0.15"),
            dp=Decimal("15.34"),
        )
        assert found.quoted.orders == [("INFY", "BUY", 10), ("TCS", "SELL", 5)]
        assert found.quoted.prices == {"INFY": Decimal(1000), "TCS": Decimal(3000)}

    def test_needs_the_whole_of_the_buys_of_a_basket(self, gateway: Gateway, now: datetime) -> None:
        """Its sells may come later than its buys: the broker does not count on them, so neither do we."""
        found = of_basket(gateway, now, BUY, SELL)

        assert found.needed == found.buys + found.charges.total

    def test_values_an_order_with_a_limit_at_the_limit(self, gateway: Gateway, now: datetime) -> None:
        (row,) = of_basket(gateway, now, LIMIT).rows

        assert (row.price, row.value) == (Decimal(1000), Decimal(9_500))

    def test_says_what_the_funds_lack(self, gateway: Gateway, now: datetime) -> None:
        found = of_basket(gateway, now, BUY, client_id="low-funds")

        assert (found.lacks_funds, found.funds, found.missing) == (True, Decimal(100), found.needed - 100)

    def test_says_what_cannot_be_sold(self, gateway: Gateway, now: datetime) -> None:
        found = of_basket(gateway, now, SELL, client_id="no-holdings")

        assert (found.is_short, found.rows[0].at_hand) == (True, 0)
        assert found.funds is None

    def test_works_without_a_broker_that_does_not_answer(
        self, gateway: Gateway, now: datetime, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def silent(*_: object, **__: object) -> None:
            raise Unreachable("The broker does not answer.")

        monkeypatch.setattr(SimulatedBroker, "funds", silent)
        monkeypatch.setattr(SimulatedBroker, "holdings", silent)

        found = of_basket(gateway, now, BUY, SELL)

        assert (found.funds, found.lacks_funds, found.is_short) == (None, False, False)

    def test_waits_for_what_was_left_open(self, gateway: Gateway, now: datetime) -> None:
        made = make.logged_in(gateway=gateway, securities=(OPEN,), now=now)

        with pytest.raises(Invalid):
            quoted(made, now)

        assert quoted(made, now, INFY=Security("INFY", 2, Side.SELL)).quoted.orders == [("INFY", "SELL", 2)]

    def test_knows_when_the_market_opens(self, gateway: Gateway, now: datetime) -> None:
        Gateway.objects.filter(pk=gateway.pk).update(market_hours="closed")
        gateway.refresh_from_db()

        found = of_basket(gateway, now, BUY)

        assert (found.is_open, found.opens_at) == (False, None)

    def test_writes_nothing(self, gateway: Gateway, now: datetime) -> None:
        made = make.logged_in(gateway=gateway, now=now)
        before = Transaction.objects.values().get(pk=made.pk)

        quoted(made, now)

        assert Transaction.objects.values().get(pk=made.pk) == before
        assert not Batch.objects.exists()
