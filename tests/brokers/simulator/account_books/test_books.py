"""Funds, holdings and the risk check: sums over the tradebook."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from importlib import import_module
from itertools import count

import pytest
from django.apps import apps
from django.db import IntegrityError
from hypothesis import given, settings
from hypothesis import strategies as st

from brokers.market.quotes import Quote
from brokers.ports.broker import Holding
from brokers.simulator.account_books.books import (
    Balances,
    balances,
    cost,
    free_funds,
    holdings,
    ledger,
    moving_average,
    sellable,
)
from brokers.simulator.models import SimAccount, SimOrder, SimTrade
from brokers.simulator.personas import LENT, ORDINARY
from gateway.models import Gateway
from tests.examples import examples
from tests.make import FREE

_numbers = count(1)
QUOTES: Mapping[str, Quote] = {
    ticker: Quote(ticker, Decimal(100), Decimal("0.05"), Decimal(price), "s")
    for ticker, price in (("INFY", "100"), ("TCS", "50"))
}


def order(
    account: SimAccount,
    now: datetime,
    side: str = "BUY",
    quantity: int = 1,
    *,
    ticker: str = "INFY",
    kind: str = "MARKET",
    price: str | None = None,
    **facts: object,
) -> SimOrder:
    return SimOrder.objects.create(
        account=account,
        ref=f"ref-{next(_numbers)}",
        ticker=ticker,
        side=side,
        quantity=quantity,
        order_type=kind,
        variety="regular",
        validity="DAY",
        price=price and Decimal(price),
        placed_at=now,
        fill_behaviour="FILL",
        **facts,
    )


def trade(
    account: SimAccount,
    now: datetime,
    side: str,
    quantity: int,
    price: str,
    *,
    charges: str = "0",
    ticker: str = "INFY",
) -> None:
    SimTrade.objects.create(
        order=order(account, now, side, quantity, ticker=ticker, status="COMPLETE", filled_quantity=quantity),
        account=account,
        ticker=ticker,
        side=side,
        number=1,
        quantity=quantity,
        price=Decimal(price),
        charges=Decimal(charges),
        at=now,
    )


def put(account: SimAccount, *, funds: str | None = None, lent: int | None = None) -> None:
    account.opening_funds = account.opening_funds if funds is None else Decimal(funds)
    account.lent_shares = account.lent_shares if lent is None else lent
    account.save()


def locked(account: SimAccount, now: datetime) -> Balances:
    return balances(account, QUOTES, since=now, now=now)


def refused_of(account: SimAccount, orders: Sequence[SimOrder], now: datetime) -> dict[str, str]:
    """errorCode by ref, of those that the risk check refuses; charges are 0.12 % of a buy."""
    free, refused = locked(account, now), {}
    for one in orders:
        quote = QUOTES[one.ticker]
        needed = cost(one, quote, now, FREE, free.traded)
        if code := free.refusal(one, needed):
            refused[one.ref] = code
        else:
            free.block(one, needed)
    return refused


class TestFreeFunds:
    def test_are_the_opening_funds_at_first(self, account: SimAccount, now: datetime) -> None:
        assert free_funds(account, now) == ORDINARY

    def test_are_what_the_trades_leave(self, account: SimAccount, now: datetime) -> None:
        put(account, funds="10000")
        trade(account, now, "BUY", 10, "100.05", charges="1.19")
        trade(account, now, "SELL", 4, "110.00", charges="0.46")

        assert free_funds(account, now) == Decimal("9349.85")  # 10000 - 1000.50 - 1.19 + 80 % of 440 - 0.46

    def test_have_the_whole_of_a_sale_on_the_next_trading_day(self, account: SimAccount, now: datetime) -> None:
        """Every day is one of this gateway's; of NSE's, a Friday's sale is free on Monday."""
        put(account, funds="10000")
        trade(account, now, "SELL", 4, "110.00", charges="0.46")
        days = [free_funds(account, now + timedelta(days=day)) for day in range(4)]
        assert days == [Decimal("10351.54"), *[Decimal("10439.54")] * 3]

        Gateway.objects.filter(pk=account.gateway_id).update(market_hours="nse")
        account.gateway.refresh_from_db()

        of_nse = [free_funds(account, now + timedelta(days=day)) for day in range(4)]
        assert of_nse == [*[Decimal("10351.54")] * 3, Decimal("10439.54")]

    def test_have_the_usable_part_of_a_sale_at_once(self, account: SimAccount, now: datetime) -> None:
        """In the balances of a call, in which later purchases are checked."""
        put(account, funds="0", lent=10)
        sale, free = order(account, now, "SELL", 10, admitted=True), locked(account, now)

        free.take(
            sale, SimTrade(order=sale, ticker="INFY", side="SELL", quantity=10, price=Decimal(100), charges=5, at=now)
        )

        assert (free.funds, free.free_funds) == (Decimal(995), Decimal(795))

    def test_are_never_below_zero(self, account: SimAccount, now: datetime) -> None:
        put(account, funds="0")
        trade(account, now, "SELL", 1, "10.00", charges="15.34")

        assert free_funds(account, now) == 0


class TestLedger:
    def test_is_bought_less_sold(self, account: SimAccount, now: datetime) -> None:
        trade(account, now, "BUY", 10, "100")
        trade(account, now, "SELL", 4, "110")
        trade(account, now, "BUY", 3, "50", ticker="TCS")

        assert ledger(account).shares == {"INFY": 6, "TCS": 3}


def held(account: SimAccount, now: datetime) -> list[tuple[str, int, Decimal]]:
    return [(one.ticker, one.quantity, one.average_price) for one in holdings(account, now)]


class TestHoldings:
    def test_are_valued_at_the_average_price_of_their_buys(self, account: SimAccount, now: datetime) -> None:
        trade(account, now, "BUY", 1, "100")
        trade(account, now, "BUY", 2, "101")
        trade(account, now, "SELL", 1, "500")

        assert holdings(account, now) == [
            Holding("INFY", 2, Decimal("100.6667"), today=2, today_price=Decimal("100.6667"))
        ]

    def test_start_a_new_average_after_the_last_share(self, account: SimAccount, now: datetime) -> None:
        trade(account, now, "BUY", 2, "100")
        trade(account, now, "SELL", 2, "500")
        trade(account, now, "BUY", 1, "300")
        trade(account, now, "BUY", 1, "301")

        assert held(account, now) == [("INFY", 2, Decimal("300.5000"))]

    def test_keep_the_average_when_a_part_is_sold(self, account: SimAccount, now: datetime) -> None:
        trade(account, now, "BUY", 4, "100")
        trade(account, now, "SELL", 3, "500")
        trade(account, now, "BUY", 1, "200")

        assert held(account, now) == [("INFY", 2, Decimal("150.0000"))]

    def test_cost_nothing_for_lent_shares_that_are_given_back(self, account: SimAccount, now: datetime) -> None:
        trade(account, now, "SELL", 3, "50")
        trade(account, now, "BUY", 5, "60")

        assert held(account, now) == [("INFY", 2, Decimal("60.0000"))]

    def test_do_not_show_what_was_sold_off_or_lent(self, account: SimAccount, now: datetime) -> None:
        trade(account, now, "BUY", 2, "100")
        trade(account, now, "SELL", 2, "100")
        trade(account, now, "SELL", 3, "50", ticker="TCS")

        assert holdings(account, now) == []


class TestMovingAverage:
    @settings(max_examples=examples(50, long=1_000), deadline=None)
    @given(st.lists(st.tuples(st.booleans(), st.integers(1, 9), st.integers(1, 10_000)), max_size=12))
    def test_is_that_of_a_list_of_single_shares(self, orders: list[tuple[bool, int, int]]) -> None:
        """A second implementation: the cost of each held share; a sale takes an equal part of each."""
        costs: list[Fraction] = []
        trades = []
        for is_buy, shares, paise in orders:
            number = shares if is_buy else min(shares, len(costs))
            if not number:
                continue
            trades.append(("BUY" if is_buy else "SELL", number, Decimal(paise) / 100))
            if is_buy:
                costs += [Fraction(paise, 100)] * number
            else:
                costs = [sum(costs, Fraction(0)) / len(costs)] * (len(costs) - number)
        held, price = moving_average(trades)

        assert held == len(costs)
        assert not costs or abs(Fraction(price) - sum(costs, Fraction(0)) / held) < Fraction(1, 10**9)


class TestSellable:
    def test_is_what_is_held_and_what_is_lent(self, account: SimAccount, now: datetime) -> None:
        trade(account, now, "BUY", 2, "100")

        assert [(h.ticker, h.quantity) for h in sellable(account, ["INFY", "TCS"], now)] == [
            ("INFY", LENT + 2),
            ("TCS", LENT),
        ]


class TestTheRiskCheck:
    def test_lets_all_through_that_is_covered(self, account: SimAccount, now: datetime) -> None:
        basket = [order(account, now, "BUY", 10), order(account, now, "SELL", 10)]

        assert refused_of(account, basket, now) == {}

    def test_spends_the_funds_in_the_orders_order(self, account: SimAccount, now: datetime) -> None:
        put(account, funds="1002")
        basket = [order(account, now, "BUY", quantity) for quantity in (6, 5, 4, 1)]

        refused = refused_of(account, basket, now)

        assert refused == {basket[1].ref: "marginsExceeded", basket[3].ref: "marginsExceeded"}

    @pytest.mark.parametrize(
        ("kind", "price", "quantity", "refused"),
        [
            ("MARKET", None, 10, False),
            ("MARKET", None, 11, True),
            ("LIMIT", "90", 11, False),
            ("LIMIT", "110", 10, True),
            ("SL", "110", 10, True),
            ("SLM", None, 10, False),
        ],
    )
    def test_counts_a_buy_at_its_limit_or_at_the_market(
        self, *, account: SimAccount, now: datetime, kind: str, price: str | None, quantity: int, refused: bool
    ) -> None:
        put(account, funds="1002")
        buy = order(account, now, "BUY", quantity, kind=kind, price=price)

        assert bool(refused_of(account, [buy], now)) is refused

    def test_keeps_back_what_resting_buys_have_blocked(self, account: SimAccount, now: datetime) -> None:
        put(account, funds="1002")
        order(account, now, "BUY", 10, kind="LIMIT", price="90", admitted=True, blocked="540", filled_quantity=4)
        buys = [order(account, now, "BUY", quantity) for quantity in (4, 1)]

        refused = refused_of(account, buys, now)

        assert refused == {buys[1].ref: "marginsExceeded"}  # 1002 - 540 - 400.47 leaves 61.53

    def test_sells_in_the_orders_order_what_is_held(self, account: SimAccount, now: datetime) -> None:
        put(account, lent=0)
        trade(account, now, "BUY", 10, "100")
        sells = [order(account, now, "SELL", quantity) for quantity in (6, 5, 4, 1)]

        refused = refused_of(account, sells, now)

        assert refused == {sells[1].ref: "checkHoldings", sells[3].ref: "checkHoldings"}

    def test_counts_what_resting_sells_have_spoken_for(self, account: SimAccount, now: datetime) -> None:
        rest = account.lent_shares
        order(account, now, "SELL", rest - 3, kind="LIMIT", price="101", admitted=True)
        late = order(account, now, "SELL", 4)

        refused = refused_of(account, [late], now)

        assert refused == {late.ref: "checkHoldings"}

    def test_takes_the_charges_into_account(self, account: SimAccount, now: datetime) -> None:
        put(account, funds="1000")
        buy = order(account, now, "BUY", 10)

        assert refused_of(account, [buy], now) == {buy.ref: "marginsExceeded"}

    def test_counts_a_stop_at_its_trigger(self, account: SimAccount, now: datetime) -> None:
        put(account, funds="1002")
        stop = order(account, now, "BUY", 10, kind="SLM", trigger_price=Decimal("100.50"))

        assert refused_of(account, [stop], now) == {stop.ref: "marginsExceeded"}


class TestRelease:
    """Gives back what an order that has ended partly filled has not used."""

    def test_of_a_buy_frees_its_funds(self, account: SimAccount, now: datetime) -> None:
        put(account, funds="1002")
        ended = order(
            account, now, "BUY", 10, kind="LIMIT", price="90", admitted=True, blocked="540", filled_quantity=4
        )
        free = locked(account, now)

        free.release(ended)

        assert free.free_funds == free.funds == 1002

    def test_of_a_sale_frees_its_shares(self, account: SimAccount, now: datetime) -> None:
        put(account, lent=10)
        ended = order(account, now, "SELL", 10, kind="LIMIT", price="101", admitted=True, filled_quantity=4)
        free = locked(account, now)

        free.release(ended)

        assert free.sellable("INFY") == 10


class TestTheDatabase:
    """The database refuses a wrong line of the tradebook."""

    @pytest.mark.parametrize(
        ("wrong", "constraint"),
        [
            ({"side": "BUY", "funds_after": Decimal("-0.01")}, "a_buy_leaves_no_negative_funds"),
            ({"side": "SELL", "shares_after": -1}, "a_sale_leaves_no_negative_shares"),
            ({"side": "BUY", "serial": 1}, "account_id"),  # SQLite names the columns, PostgreSQL both
        ],
    )
    def test_refuses(self, account: SimAccount, now: datetime, wrong: dict[str, object], constraint: str) -> None:
        trade(account, now, "BUY", 1, "100")
        SimTrade.objects.update(serial=1)
        known = SimTrade.objects.get()
        known.pk, known.number, known.serial = None, 2, 2

        with pytest.raises(IntegrityError, match=constraint):
            SimTrade(**{**fields_of(known), **wrong}).save()

    def test_takes_what_an_older_release_wrote(self, account: SimAccount, now: datetime) -> None:
        trade(account, now, "SELL", 1, "100")
        trade(account, now, "SELL", 1, "100")

        assert SimTrade.objects.filter(serial=None, funds_after=None, shares_after=None).count() == 2


class TestTheMigration:
    def test_blocks_what_an_open_buy_needed_until_then(self, account: SimAccount, now: datetime) -> None:
        resting = order(account, now, "BUY", 10, kind="LIMIT", price="90", admitted=True, filled_quantity=4)
        sale = order(account, now, "SELL", 10, kind="LIMIT", price="90", admitted=True)

        import_module("brokers.simulator.migrations.0002_balances").block_for_open_buys(apps, None)

        assert SimOrder.objects.get(pk=resting.pk).blocked == 540
        assert SimOrder.objects.get(pk=sale.pk).blocked == 0


def fields_of(one: SimTrade) -> dict[str, object]:
    return {field.attname: getattr(one, field.attname) for field in SimTrade._meta.concrete_fields}
