"""The simulated brokers through the port, and with them the matching behind it."""

import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from pytest_django import DjangoAssertNumQueries

from brokers.market.charges import ChargeClass, ChargedOrder, charges_of
from brokers.market.price_overrides import override_price
from brokers.market.quotes import quotes
from brokers.ports.broker import (
    Ack,
    Broker,
    BrokerStatus,
    Holding,
    LiveSession,
    LoginEnded,
    NewOrder,
    OrderType,
    Refused,
    Report,
    SentOrder,
    Side,
    Unreachable,
    Validity,
    Variety,
)
from brokers.ports.registry import BROKERS
from brokers.simulator.faults.link_faults import HANG_SECONDS, forced_error
from brokers.simulator.models import SimAccount, SimOrder, SimTrade
from brokers.simulator.personas import FORCED, ORDINARY
from gateway.models import Gateway
from gateway.values.timestamps import IST
from tests import make
from tests.brokers.simulator.conftest import Enter
from tests.brokers.simulator.placing import place_each

SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
INFY = NewOrder("ref-1", "INFY", Side.BUY, 10, OrderType.MARKET, Variety.REGULAR, Validity.DAY, None, None)
TCS = replace(INFY, ref="ref-2", ticker="TCS", side=Side.SELL, quantity=5)
LIMIT = replace(INFY, order_type=OrderType.LIMIT, price=Decimal("1000.00"))
STOP = replace(INFY, ref="ref-2", order_type=OrderType.SLM, trigger_price=Decimal("1000.00"))


def book(broker: Broker, login: LiveSession, now: datetime, refs: Sequence[str] = ("ref-1", "ref-2")) -> list[Report]:
    return list(broker.order_book(login, refs, now=now))


def told(reports: Sequence[Report]) -> list[tuple[str, str, int]]:
    return [(report.ref, report.status.value, report.filled_quantity) for report in reports]


class TestLogin:
    @pytest.mark.parametrize(
        ("client_id", "funds", "lent"),
        [
            ("happy", Decimal(500_000), 1_000),
            ("low-funds", Decimal(100), 1_000),
            ("no-holdings", Decimal(500_000), 0),
            ("rich", Decimal(1_000_000_000_000), 1_000_000),
        ],
    )
    def test_opens_an_account_as_its_persona_has_it(
        self, enter: Enter, client_id: str, funds: Decimal, lent: int
    ) -> None:
        enter(client_id)

        account = SimAccount.objects.get()
        assert (account.client_id, account.opening_funds, account.lent_shares) == (client_id, funds, lent)

    def test_twice_opens_one_and_keeps_its_books(self, enter: Enter) -> None:
        enter()
        SimAccount.objects.update(opening_funds=7, lent_shares=8)

        enter()

        account = SimAccount.objects.get()
        assert (account.opening_funds, account.lent_shares) == (Decimal(7), 8)

    def test_opens_another_at_another_broker_and_for_another_gateway(
        self, enter: Enter, broker: Broker, now: datetime
    ) -> None:
        enter()
        enter(key="groww")
        broker.login(gateway=make.gateway().pk, broker="kite", client_id="happy", pin="1", now=now)

        assert SimAccount.objects.count() == 3

    @pytest.mark.parametrize(
        ("client_id", "pin"),
        [
            ("login-fails", "1234"),
            ("login-fails-2", "error_1012"),
            ("happy", ""),
            ("happy", "error_x"),
            ("happy", "error_१"),
        ],
    )
    def test_is_refused(self, enter: Enter, client_id: str, pin: str) -> None:
        with pytest.raises(Refused):
            enter(client_id, pin=pin)

        assert not SimAccount.objects.exists()

    def test_ends_with_a_code(self, enter: Enter) -> None:
        with pytest.raises(LoginEnded) as ended:
            enter(pin="error_1012")

        assert ended.value.code == 1012
        assert not SimAccount.objects.exists()

    @pytest.mark.parametrize("code", sorted(FORCED))
    def test_remembers_what_the_pin_forces(self, enter: Enter, code: str) -> None:
        assert forced_error(enter(pin=f"error_{code}")) == code


class TestPlace:
    def test_answers_for_every_order(self, enter: Enter, broker: Broker, now: datetime) -> None:
        assert place_each(broker, enter(), [INFY, TCS], now=now) == [
            Ack("ref-1", "SIM-ref-1"),
            Ack("ref-2", "SIM-ref-2"),
        ]

    def test_books_the_order_as_it_was_given(self, enter: Enter, broker: Broker, now: datetime) -> None:
        place_each(broker, enter(), [replace(LIMIT, validity=Validity.IOC, variety=Variety.AMO)], now=now)

        booked = SimOrder.objects.get()
        assert (booked.ticker, booked.side, booked.quantity, booked.order_type, booked.price, booked.validity) == (
            "INFY",
            "BUY",
            10,
            "LIMIT",
            Decimal("1000.00"),
            "IOC",
        )
        assert (booked.variety, booked.status, booked.placed_at, booked.filled_quantity) == ("amo", "OPEN", now, 0)

    def test_twice_books_once(self, enter: Enter, broker: Broker, now: datetime) -> None:
        login = enter()
        first = place_each(broker, login, [INFY, TCS], now=now)
        before = list(SimOrder.objects.order_by("pk").values())

        second = place_each(broker, login, [INFY, TCS], now=now + MINUTE)

        assert (second, list(SimOrder.objects.order_by("pk").values())) == (first, before)

    def test_twice_does_not_undo_a_fill(self, enter: Enter, broker: Broker, now: datetime) -> None:
        login = enter()
        place_each(broker, login, [INFY], now=now)
        book(broker, login, now + MINUTE)

        place_each(broker, login, [INFY], now=now + MINUTE)

        assert told(book(broker, login, now + MINUTE)) == [("ref-1", "COMPLETE", 10)]
        assert SimTrade.objects.count() == 1

    @pytest.mark.parametrize(
        ("client_id", "refusals", "booked"),
        [
            ("broker-down", ["adapterError", "adapterError"], []),
            ("partly-placed", [None, "tradingSystemNotReady"], ["ref-1"]),
            ("lost-contact", [None, None], ["ref-1", "ref-2"]),
            ("late-fill", [None, None], ["ref-1", "ref-2"]),
        ],
    )
    def test_refuses_what_the_persona_has_refused(
        self,
        *,
        enter: Enter,
        broker: Broker,
        now: datetime,
        client_id: str,
        refusals: list[str | None],
        booked: list[str],
    ) -> None:
        answered = place_each(broker, enter(client_id), [INFY, TCS], now=now)

        assert [one.code if isinstance(one, Refused) else None for one in answered] == refusals
        assert list(SimOrder.objects.order_by("pk").values_list("ref", flat=True)) == booked

    def test_explains_a_refusal(self, enter: Enter, broker: Broker, now: datetime) -> None:
        with pytest.raises(Refused, match="The session at the broker has expired") as refusal:
            broker.place(enter(pin="error_sessionExpired"), INFY, now=now)

        assert refusal.value.code == "sessionExpired"


class TestOrderBook:
    def test_answers_for_the_refs_it_knows(self, enter: Enter, broker: Broker, now: datetime) -> None:
        login = enter()
        place_each(broker, login, [INFY, TCS], now=now)

        assert told(book(broker, login, now, ["ref-2", "ref-9"])) == [("ref-2", "OPEN", 0)]

    def test_shows_no_client_the_orders_of_another(self, enter: Enter, broker: Broker, now: datetime) -> None:
        place_each(broker, enter(), [INFY], now=now)

        assert book(broker, enter("happy-2"), now) == []

    @pytest.mark.parametrize(("key", "latency"), [("kite", 10), ("hdfc", 60)])
    def test_fills_once_the_latency_has_passed(
        self, enter: Enter, broker: Broker, now: datetime, key: str, latency: int
    ) -> None:
        login = enter(key=key)
        place_each(broker, login, [INFY], now=now)
        arrives = now + timedelta(milliseconds=latency)

        assert [told(book(broker, login, at)) for at in (arrives - timedelta(microseconds=1), arrives)] == [
            [("ref-1", "OPEN", 0)],
            [("ref-1", "COMPLETE", 10)],
        ]

    def test_reports_price_time_and_exchange_order_id(
        self, gateway: Gateway, enter: Enter, broker: Broker, now: datetime
    ) -> None:
        login = enter()
        place_each(broker, login, [INFY], now=now)
        arrived = now + timedelta(milliseconds=10)

        (report,) = book(broker, login, now + MINUTE)

        price = quotes(gateway.pk, ["INFY"])["INFY"].at(arrived)
        assert (report.average_price, report.at, report.error_code, report.message) == (price, arrived, None, None)
        assert report.exchange_order_id is not None
        assert (len(report.exchange_order_id), report.exchange_order_id.isdigit()) == (16, True)

    def test_charges_by_the_brokers_tariff(self, enter: Enter, broker: Broker, now: datetime) -> None:
        login = enter(key="hdfc")
        place_each(broker, login, [INFY], now=now)
        book(broker, login, now + MINUTE)

        trade = SimTrade.objects.get()
        bought = ChargedOrder("INFY", ChargeClass.SHARE, Side.BUY, trade.price * 10, trade.at.astimezone(IST).date())
        assert [trade.charges] == [one.total for one in charges_of([bought], BROKERS["hdfc"].tariff)]

    def test_is_the_same_however_often_it_is_read(self, enter: Enter, broker: Broker, now: datetime) -> None:
        often, once = enter("slow-1"), enter("slow-2")
        place_each(broker, often, [LIMIT_NEAR, replace(INFY, ref="m1")], now=now)
        place_each(broker, once, [replace(LIMIT_NEAR, ref="l2"), replace(INFY, ref="m2")], now=now)
        for seconds in range(0, 180, 7):
            book(broker, often, now + seconds * SECOND, ["ref-1", "m1"])

        at_the_end = now + 3 * MINUTE
        assert [replace(r, ref="", exchange_order_id="") for r in book(broker, often, at_the_end, ["ref-1", "m1"])] == [
            replace(r, ref="", exchange_order_id="") for r in book(broker, once, at_the_end, ["l2", "m2"])
        ]

    def test_averages_what_has_filled(self, enter: Enter, broker: Broker, now: datetime) -> None:
        login = enter("slow")
        place_each(broker, login, [INFY], now=now)
        (report,) = book(broker, login, now + 40 * SECOND)

        trades = list(SimTrade.objects.order_by("number").values_list("number", "quantity", "price"))
        assert [(number, quantity) for number, quantity, _ in trades] == [(1, 2), (2, 2), (3, 2)]
        mean = sum((price for _, _, price in trades), Decimal(0)) / 3
        assert (report.filled_quantity, report.average_price) == (6, mean.quantize(Decimal("0.0001")))

    def test_rejects_what_the_account_cannot_pay(self, enter: Enter, broker: Broker, now: datetime) -> None:
        login = enter("low-funds")
        place_each(broker, login, [INFY, TCS], now=now)

        reports = book(broker, login, now + MINUTE)

        assert told(reports) == [("ref-1", "REJECTED", 0), ("ref-2", "COMPLETE", 5)]
        assert (reports[0].error_code, reports[0].exchange_order_id) == ("marginsExceeded", None)

    def test_rejects_a_sale_of_what_is_not_held(self, enter: Enter, broker: Broker, now: datetime) -> None:
        login = enter("no-holdings")
        place_each(broker, login, [INFY, TCS], now=now)

        assert told(book(broker, login, now + MINUTE)) == [("ref-1", "COMPLETE", 10), ("ref-2", "REJECTED", 0)]

    @pytest.mark.parametrize("client_id", ["lost-contact", "late-fill"])
    def test_keeps_silent_about_an_order_that_it_fills(
        self, enter: Enter, broker: Broker, now: datetime, client_id: str
    ) -> None:
        login = enter(client_id)
        place_each(broker, login, [INFY, TCS], now=now)

        assert told(book(broker, login, now + MINUTE)) == [("ref-1", "COMPLETE", 10)]
        assert SimOrder.objects.get(ref="ref-2").status == "COMPLETE"

    @pytest.mark.parametrize(
        ("client_id", "minutes", "heard"),
        [("late-fill", 9.99, 1), ("late-fill", 10, 2), ("lost-contact", 60 * 24 * 365, 1)],
    )
    def test_breaks_its_silence_after_ten_minutes_or_never(
        self, *, enter: Enter, broker: Broker, now: datetime, client_id: str, minutes: float, heard: int
    ) -> None:
        login = enter(client_id)
        place_each(broker, login, [INFY, TCS], now=now)

        assert len(book(broker, login, now + minutes * MINUTE)) == heard

    def test_contradicts_itself_for_contradicts(self, enter: Enter, broker: Broker, now: datetime) -> None:
        login = enter("contradicts")
        place_each(broker, login, [INFY, TCS], now=now)

        assert told(book(broker, login, now + MINUTE)) == [("ref-1", "COMPLETE", 10), ("ref-2", "COMPLETE", 0)]

    def test_says_everything_twice_for_repeats(self, enter: Enter, broker: Broker, now: datetime) -> None:
        login = enter("repeats")
        place_each(broker, login, [INFY], now=now)

        assert told(book(broker, login, now + MINUTE)) == [("ref-1", "COMPLETE", 10), ("ref-1", "OPEN", 0)]

    def test_has_taken_what_it_left_unanswered_for_hangs(self, enter: Enter, broker: Broker, now: datetime) -> None:
        login = enter("hangs")
        began = time.monotonic()

        with pytest.raises(Unreachable):
            place_each(broker, login, [INFY], now=now)

        assert time.monotonic() - began >= HANG_SECONDS
        assert told(book(broker, login, now + MINUTE)) == [("ref-1", "COMPLETE", 10)]

    def test_has_heard_nothing_for_deaf(self, enter: Enter, broker: Broker, now: datetime) -> None:
        login = enter("deaf")

        with pytest.raises(Unreachable):
            place_each(broker, login, [INFY], now=now)

        assert book(broker, login, now + MINUTE) == []

    def test_fills_a_limit_when_the_pinned_price_crosses(
        self, gateway: Gateway, enter: Enter, broker: Broker, now: datetime
    ) -> None:
        login = enter()
        place_each(broker, login, [LIMIT], now=now)
        assert told(book(broker, login, now + MINUTE)) == [("ref-1", "OPEN", 0)]

        override_price(gateway=gateway, ticker="INFY", price=Decimal("999.90"), now=now)

        (report,) = book(broker, login, now + MINUTE)
        assert (report.status, report.average_price) == (BrokerStatus.COMPLETE, Decimal("999.90"))

    def test_cancels_what_the_price_has_made_too_dear(
        self, gateway: Gateway, enter: Enter, broker: Broker, now: datetime
    ) -> None:
        """Two of five steps fill at the price that was blocked; the third would cost twice as much."""
        login = enter("slow")
        SimAccount.objects.update(opening_funds=Decimal(12_000))
        place_each(broker, login, [INFY], now=now)
        override_price(gateway=gateway, ticker="INFY", price=Decimal(1_000), now=now)
        assert told(book(broker, login, now + 30 * SECOND)) == [("ref-1", "OPEN", 4)]

        override_price(gateway=gateway, ticker="INFY", price=Decimal(2_000), now=now)

        (report,) = book(broker, login, now + MINUTE)
        assert (report.status, report.filled_quantity, report.error_code) == (
            BrokerStatus.CANCELLED,
            4,
            "marginsExceeded",
        )
        assert broker.funds(login, now=now) > 0

    def test_blocks_the_funds_of_a_buy_that_has_not_filled(self, enter: Enter, broker: Broker, now: datetime) -> None:
        login = enter("slow")
        SimAccount.objects.update(opening_funds=Decimal(20_000))
        place_each(broker, login, [INFY, replace(INFY, ref="ref-2")], now=now)

        reports = [*book(broker, login, now + SECOND, ["ref-1"]), *book(broker, login, now + SECOND, ["ref-2"])]

        assert told(reports) == [("ref-1", "OPEN", 0), ("ref-2", "REJECTED", 0)]

    @pytest.mark.parametrize("before", [[], ["ref-1"]], ids=["at once", "one after the other"])
    def test_lets_an_order_have_what_one_before_it_no_longer_needs(
        self, *, gateway: Gateway, enter: Enter, broker: Broker, now: datetime, before: list[str]
    ) -> None:
        """An IOC that found no seller, and a stop that costs more than it has blocked."""
        login = enter()
        SimAccount.objects.update(opening_funds=Decimal(21_600))
        override_price(gateway=gateway, ticker="INFY", price=Decimal(1_100), now=now)
        stop = replace(STOP, trigger_price=Decimal(1_150))
        place_each(broker, login, [replace(LIMIT, validity=Validity.IOC), stop], now=now)
        book(broker, login, now + SECOND, before)
        book(broker, login, now + SECOND)
        override_price(gateway=gateway, ticker="INFY", price=Decimal(1_200), now=now + SECOND)

        assert told(book(broker, login, now + MINUTE)) == [("ref-1", "CANCELLED", 0), ("ref-2", "COMPLETE", 10)]

    def test_lets_an_order_have_what_one_that_was_open_no_longer_needs(
        self, gateway: Gateway, enter: Enter, broker: Broker, now: datetime
    ) -> None:
        login = enter()
        SimAccount.objects.update(opening_funds=Decimal(20_100))
        override_price(gateway=gateway, ticker="INFY", price=Decimal(999), now=now)
        place_each(broker, login, [replace(LIMIT, price=Decimal(998)), STOP], now=now)
        assert told(book(broker, login, now + MINUTE)) == [("ref-1", "OPEN", 0), ("ref-2", "OPEN", 0)]
        SimOrder.objects.filter(ref="ref-1").update(fill_behaviour="CANCEL")
        override_price(gateway=gateway, ticker="INFY", price=Decimal(1_100), now=now + MINUTE)

        assert told(book(broker, login, now + 3 * MINUTE)) == [("ref-1", "CANCELLED", 0), ("ref-2", "COMPLETE", 10)]

    def test_leaves_the_balances_that_the_trades_add_up_to(self, enter: Enter, broker: Broker, now: datetime) -> None:
        login = enter("slow")
        place_each(broker, login, [INFY, TCS], now=now)
        for seconds in (20, 40, 61):
            book(broker, login, now + seconds * SECOND)

        trades = list(SimTrade.objects.order_by("serial"))
        last = {trade.ticker: trade for trade in trades}
        assert [trade.serial for trade in trades] == list(range(1, 11))
        assert trades[-1].funds_after == broker.funds(login, now=now + timedelta(days=1))
        assert [last[ticker].shares_after for ticker in ("INFY", "TCS")] == [1_010, 995]

    def test_waits_for_the_market_to_open(self, gateway: Gateway, enter: Enter, broker: Broker, now: datetime) -> None:
        Gateway.objects.filter(pk=gateway.pk).update(market_hours="nse")
        login = enter()
        saturday = now + timedelta(days=1)
        place_each(broker, login, [replace(INFY, variety=Variety.AMO)], now=saturday)
        monday = datetime(2026, 11, 23, 3, 45, tzinfo=now.tzinfo)

        assert [told(book(broker, login, at)) for at in (saturday + MINUTE, monday - SECOND, monday)] == [
            [("ref-1", "OPEN", 0)],
            [("ref-1", "OPEN", 0)],
            [("ref-1", "COMPLETE", 10)],
        ]

    def test_lapses_a_limit_at_the_close(self, gateway: Gateway, enter: Enter, broker: Broker, now: datetime) -> None:
        Gateway.objects.filter(pk=gateway.pk).update(market_hours="nse")
        login = enter()
        place_each(broker, login, [LIMIT], now=now)

        (report,) = book(broker, login, now + timedelta(days=1))

        assert (report.status, report.error_code) == (BrokerStatus.CANCELLED, "orderUnmatched")

    def test_of_a_hundred_is_a_handful_of_statements(
        self, enter: Enter, broker: Broker, now: datetime, django_assert_max_num_queries: DjangoAssertNumQueries
    ) -> None:
        login = enter("rich")
        basket = [replace(INFY, ref=f"ref-{n}") for n in range(100)]
        place_each(broker, login, basket, now=now)

        with django_assert_max_num_queries(10):
            book(broker, login, now + MINUTE, [new.ref for new in basket])

        assert SimTrade.objects.count() == 100


LIMIT_NEAR = replace(INFY, order_type=OrderType.LIMIT, price=Decimal("1172.00"))


class TestCancel:
    def test_ends_what_is_open(self, enter: Enter, broker: Broker, now: datetime) -> None:
        login = enter()
        place_each(broker, login, [LIMIT], now=now)

        broker.cancel(login, SentOrder("ref-1", Variety.REGULAR, None), now=now + MINUTE)

        (report,) = book(broker, login, now + MINUTE)
        assert (report.status, report.error_code, report.at) == (BrokerStatus.CANCELLED, None, now + MINUTE)

    def test_comes_too_late_for_what_has_filled_unread(self, enter: Enter, broker: Broker, now: datetime) -> None:
        login = enter()
        place_each(broker, login, [INFY], now=now)

        broker.cancel(login, SentOrder("ref-1", Variety.REGULAR, None), now=now + MINUTE)

        assert told(book(broker, login, now + MINUTE)) == [("ref-1", "COMPLETE", 10)]

    def test_keeps_what_has_filled(self, enter: Enter, broker: Broker, now: datetime) -> None:
        login = enter("slow")
        place_each(broker, login, [INFY], now=now)

        broker.cancel(login, SentOrder("ref-1", Variety.REGULAR, None), now=now + 30 * SECOND)

        assert told(book(broker, login, now + 9 * MINUTE)) == [("ref-1", "CANCELLED", 4)]

    def test_twice_changes_nothing(self, enter: Enter, broker: Broker, now: datetime) -> None:
        login = enter()
        place_each(broker, login, [LIMIT], now=now)
        broker.cancel(login, SentOrder("ref-1", Variety.REGULAR, None), now=now + MINUTE)

        broker.cancel(login, SentOrder("ref-9", Variety.REGULAR, None), now=now + 2 * MINUTE)

        assert SimOrder.objects.get().reported_at == now + MINUTE

    def test_does_not_reach_another_clients_order(self, enter: Enter, broker: Broker, now: datetime) -> None:
        place_each(broker, enter(), [LIMIT], now=now)

        broker.cancel(enter("happy-2"), SentOrder("ref-1", Variety.REGULAR, None), now=now)

        assert SimOrder.objects.get().status == "OPEN"


class TestFundsAndHoldings:
    def test_are_what_the_fills_left(self, enter: Enter, broker: Broker, now: datetime) -> None:
        login = enter("no-holdings")
        place_each(broker, login, [INFY], now=now)
        book(broker, login, now + MINUTE)

        trade = SimTrade.objects.get()
        assert broker.funds(login, now=now) == ORDINARY - trade.price * 10 - trade.charges
        assert broker.holdings(login, now=now) == [Holding("INFY", 10, trade.price, today=10, today_price=trade.price)]
        assert [h.quantity for h in broker.holdings(login, now=now, tickers=["INFY", "TCS"])] == [10, 0]


class TestALargeOrder:
    """INFY is pinned at 1,000: an order has at most 1,00,000 shares, which are worth ₹10 crore."""

    LARGE = replace(INFY, quantity=250_000)

    @pytest.fixture(autouse=True)
    def pinned(self, gateway: Gateway, now: datetime) -> None:
        override_price(gateway=gateway, ticker="INFY", price=Decimal(1_000), now=now)

    def test_is_reported_as_one_with_its_slices(self, enter: Enter, broker: Broker, now: datetime) -> None:
        login = enter("rich")
        place_each(broker, login, [self.LARGE], now=now)

        (report,) = book(broker, login, now + SECOND)

        assert (report.status.value, report.filled_quantity) == ("COMPLETE", 250_000)
        assert [(one.quantity, one.filled_quantity, one.average_price) for one in report.slices] == [
            (100_000, 100_000, Decimal(1_000)),
            (100_000, 100_000, Decimal(1_000)),
            (50_000, 50_000, Decimal(1_000)),
        ]
        assert report.exchange_order_id == report.slices[0].exchange_order_id
        assert len({one.exchange_order_id for one in report.slices}) == 3

    def test_is_sliced_by_value_too(self, gateway: Gateway, enter: Enter, broker: Broker, now: datetime) -> None:
        override_price(gateway=gateway, ticker="INFY", price=Decimal(2_500), now=now)
        login = enter("rich")
        place_each(broker, login, [replace(INFY, quantity=100_000)], now=now)

        (report,) = book(broker, login, now + SECOND)

        assert [one.quantity for one in report.slices] == [40_000, 40_000, 20_000]

    def test_fills_slice_by_slice(self, enter: Enter, broker: Broker, now: datetime) -> None:
        """Two steps of 50,000 and a third have filled: no trade belongs to two slices."""
        login = enter("slow")
        SimAccount.objects.update(opening_funds=Decimal(10**12))
        place_each(broker, login, [replace(self.LARGE, quantity=300_000)], now=now)

        (report,) = book(broker, login, now + 25 * SECOND)

        assert [(one.quantity, one.filled_quantity) for one in report.slices] == [
            (100_000, 100_000),
            (100_000, 20_000),
            (100_000, 0),
        ]
        assert list(SimTrade.objects.order_by("number").values_list("number", "slice", "quantity")) == [
            (1, 0, 60_000),
            (2, 0, 40_000),
            (3, 1, 20_000),
        ]

    def test_at_the_limit_is_one(self, enter: Enter, broker: Broker, now: datetime) -> None:
        login = enter("rich")
        place_each(broker, login, [replace(INFY, quantity=100_000)], now=now)

        (report,) = book(broker, login, now + SECOND)

        assert (report.filled_quantity, report.slices) == (100_000, ())

    def test_is_rejected_where_the_broker_takes_no_slices(self, enter: Enter, broker: Broker, now: datetime) -> None:
        login = enter("rich", key="groww")
        place_each(broker, login, [self.LARGE], now=now)

        (report,) = book(broker, login, now + SECOND)

        assert (report.status.value, report.error_code, report.slices) == ("REJECTED", "invalidOrder", ())
