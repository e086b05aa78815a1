"""A confirmation places what was shown, at prices near those shown, or nothing."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

import pytest

from brokers.market import price_overrides
from brokers.ports.broker import OrderType, Side
from gateway.models import Gateway
from tests import make
from transactions.checkout.broker_login import log_in
from transactions.checkout.confirm import QuoteExpired, UserSelections, confirm
from transactions.domain.basket import Security
from transactions.domain.intents import Intent
from transactions.domain.price_protection import QuotedOrder
from transactions.domain.smallcase_order import OrderKind, SmallcaseOrderRequest, SmallcaseSelections
from transactions.lifecycle.create import TransactionRequest, create_transaction
from transactions.models import Batch, CheckoutSession, Order, Transaction

BUY = Security("INFY", 10, Side.BUY)
LIMIT = Security("INFY", 10, Side.BUY, OrderType.LIMIT, price=Decimal("950.00"))
SHOWN = QuotedOrder({"INFY": Decimal(1000)}, [("INFY", "BUY", 10)])


@pytest.fixture(autouse=True)
def _pinned(gateway: Gateway, now: datetime) -> None:
    price(gateway, now, "1000")


def price(gateway: Gateway, now: datetime, rupees: str) -> None:
    price_overrides.override_price(gateway=gateway, ticker="INFY", price=Decimal(rupees), now=now)


def confirmed(made: Transaction, now: datetime, shown: QuotedOrder = SHOWN) -> None:
    confirm(transaction=made, selections=UserSelections(quoted=shown), now=now)


class TestWhatWasShown:
    @pytest.mark.parametrize("now_at", ["990", "1000", "1010"])
    def test_is_placed_within_a_per_cent(self, gateway: Gateway, now: datetime, now_at: str) -> None:
        made = make.logged_in(gateway=gateway, securities=(BUY,), now=now)
        price(gateway, now, now_at)

        confirmed(made, now)

        assert Batch.objects.get().transaction == made

    @pytest.mark.parametrize("now_at", ["989.9", "1010.1"])
    def test_is_not_placed_beyond_it(self, gateway: Gateway, now: datetime, now_at: str) -> None:
        made = make.logged_in(gateway=gateway, securities=(BUY,), now=now)
        price(gateway, now, now_at)

        with pytest.raises(QuoteExpired) as refusal:
            confirmed(made, now)

        assert refusal.value.moved == ["INFY"]
        assert not Batch.objects.exists()
        assert Transaction.objects.get(pk=made.pk).status == "USED"

    def test_with_a_limit_follows_its_limit(self, gateway: Gateway, now: datetime) -> None:
        made = make.logged_in(gateway=gateway, securities=(LIMIT,), now=now)
        price(gateway, now, "1100")

        confirmed(made, now)

        assert Batch.objects.exists()

    def test_is_not_placed_when_it_was_something_else(self, gateway: Gateway, now: datetime) -> None:
        made = make.logged_in(gateway=gateway, securities=(BUY,), now=now)

        with pytest.raises(QuoteExpired):
            confirmed(made, now, QuotedOrder({"INFY": Decimal(1000)}, [("INFY", "BUY", 9)]))

        assert not Batch.objects.exists()

    def test_is_kept_with_the_order(self, gateway: Gateway, now: datetime) -> None:
        made = make.transaction(gateway=gateway, securities=(BUY,), now=now)
        make.session(transaction=made, now=now)
        log_in(transaction=made, broker="kite", client_id="happy", pin="1234", now=now)

        confirmed(made, now)

        kept = CheckoutSession.objects.get().quoted_order
        assert kept is not None
        assert QuotedOrder.of_json(kept) == SHOWN


class TestASmallcase:
    def bought(self, gateway: Gateway, now: datetime, prices: Mapping[str, str]) -> Transaction:
        make.smallcase(weights={"INFY": "50", "TCS": "50"})
        order_request = SmallcaseOrderRequest(
            OrderKind.BUY, scid="TEST_0001", selections=SmallcaseSelections(amount=Decimal(60_000))
        )
        made = create_transaction(
            gateway=gateway,
            account=None,
            request=TransactionRequest(intent=Intent.TRANSACTION, order_request=order_request),
            now=now,
        )
        for ticker, rupees in prices.items():
            price_overrides.override_price(gateway=gateway, ticker=ticker, price=Decimal(rupees), now=now)
        return log_in(transaction=made, broker="kite", client_id="happy", pin="1234", now=now)

    def test_is_planned_at_the_prices_shown(self, gateway: Gateway, now: datetime) -> None:
        """At ₹1,000 half of ₹60,000 buys 30 shares; at today's ₹1,005 it would buy 29."""
        made = self.bought(gateway, now, {"INFY": "1005", "TCS": "3000"})
        shown = QuotedOrder({"INFY": Decimal(1000), "TCS": Decimal(3000)}, [("INFY", "BUY", 30), ("TCS", "BUY", 10)])

        confirmed(made, now, shown)

        told = list(Order.objects.order_by("position").values_list("ticker", "side", "quantity"))
        assert told == shown.orders

    def test_without_anything_shown_is_planned_at_todays(self, gateway: Gateway, now: datetime) -> None:
        made = self.bought(gateway, now, {"INFY": "1005", "TCS": "3000"})

        confirm(transaction=made, selections=UserSelections(), now=now)

        assert Order.objects.get(ticker="INFY").quantity == 29
