"""Whatever is ordered, filled, lost, fixed and exited, in any order: what a user holds is the sum of the fills."""

from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime
from decimal import ROUND_DOWN, Decimal
from itertools import count
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from brokers.simulator.account_books.books import free_funds
from brokers.simulator.account_books.books import holdings as held_by
from brokers.simulator.models import SimAccount, SimTrade
from gateway.partners import clock
from gateway.values.errors import GatewayError
from gateway.values.timestamps import IST
from smallcases.models import Investment, InvestmentFill, Smallcase
from tests import make
from tests.examples import examples
from tests.investor import Investor
from tests.partner import Partner
from transactions.domain.statuses import OrderStatus
from transactions.execution.mark_complete import mark_complete
from transactions.models import Batch, Order

VERSIONS = ({"INFY": "50", "TCS": "50"}, {"INFY": "20", "ITC": "80"}, {"TCS": "10", "ITC": "30", "HDFCBANK": "60"})
ACTIONS = ("partial", "reject", "cancel", "hang", "late-fill")
PINS = ("1234", "error_marginsExceeded", "error_adapterError", "error_orderUnmatched")
_clients = count(1)


def signed(side: str, shares: int) -> int:
    return shares if side == "BUY" else -shares


def paid(trade: SimTrade) -> Decimal:
    """Rupees."""
    turnover = trade.price * trade.quantity
    return trade.charges + (turnover if trade.side == "BUY" else -turnover)


def lots_of(trades: Sequence[SimTrade]) -> dict[str, list[date]]:
    """By ticker the day in India on which each share was bought; a sale takes the oldest. Lent shares are not in it."""
    lots: dict[str, list[date]] = {}
    for trade in trades:
        days = lots.setdefault(trade.ticker, [])
        if trade.side == "BUY":
            days += [trade.at.astimezone(IST).date()] * trade.quantity
        else:
            del days[: trade.quantity]
    return lots


def by_age(lots: Sequence[date], now: datetime) -> tuple[int, int, int]:
    """Shares that have arrived, are T1, and were bought today; in a market that is open on each day."""
    ages = [(now.astimezone(IST).date() - day).days for day in lots]
    return sum(age > 1 for age in ages), ages.count(1), ages.count(0)


def machine(partner: Partner) -> type[RuleBasedStateMachine]:
    class Books(RuleBasedStateMachine):
        def __init__(self) -> None:
            super().__init__()
            self.investor = Investor(partner, client_id=f"happy-{next(_clients)}", amount=200_000)

        def order(self, kind: str, *, pin: str = "1234", **chosen: Any) -> None:
            """What may be refused, is; the books have to balance either way."""
            created = self.investor.try_create(kind, **chosen)
            if created.status == 200:
                self.investor.complete(created.data["transactionId"], pin=pin)

        @rule(pin=st.sampled_from(PINS), amount=st.integers(1_000, 90_000))
        def invest_more(self, pin: str, amount: int) -> None:
            self.order("INVESTMORE", pin=pin, amount=amount)

        @rule(weights=st.sampled_from(VERSIONS), pin=st.sampled_from(PINS))
        def rebalance(self, weights: dict[str, str], pin: str) -> None:
            make.version(Smallcase.objects.get(scid="TEST_0001"), weights)
            self.order("REBALANCE", pin=pin)

        @rule(pin=st.sampled_from(PINS))
        def fix(self, pin: str) -> None:
            self.order("FIX", pin=pin)

        @rule(shares=st.integers(1, 20), pin=st.sampled_from(PINS))
        def manage(self, shares: int, pin: str) -> None:
            self.order("MANAGE", pin=pin, constituents=[{"ticker": "INFY", "shares": shares}])

        @rule(percent=st.integers(1, 100))
        def leave(self, percent: int) -> None:
            self.order("EXIT", exit={"percent": percent})

        @rule(action=st.sampled_from(ACTIONS))
        def meet_trouble_at_the_broker(self, action: str) -> None:
            """An AMO rests; a hand at the broker's side plays on its first order before the market opens."""
            partner.hours("closed")
            created = self.investor.try_create("INVESTMORE", amount=50_000)
            if created.status == 200:
                answer = self.investor.complete(created.data["transactionId"], amo=True)
                for batch in (answer.body["data"] or {}).get("orderBatches", ()):
                    partner.act(batch["batchId"], batch["orders"][0]["tradingsymbol"], action)
            partner.hours("always")
            partner.advance("PT10S")
            make.sweep()

        @rule(days=st.integers(1, 120))
        def wait(self, days: int) -> None:
            """Twelve steps may last two years and more."""
            partner.advance(f"P{days}D")
            make.sweep()

        @rule()
        def hear_late_words(self) -> None:
            partner.advance("PT11M")
            make.sweep()

        @rule()
        def close_by_hand(self) -> None:
            last = Batch.objects.filter(iscid=self.investor.iscid).latest("pk")
            try:
                mark_complete(batch=last, now=clock.now(last.gateway))
            except GatewayError:
                return

        @invariant()
        def holds_the_sum_of_its_fills(self) -> None:
            orders = Order.objects.filter(batch__iscid=self.investor.iscid)
            shares: Counter[str] = Counter()
            for order in orders:
                shares[order.ticker] += signed(order.side, order.filled_quantity)
            held = {ticker: n for ticker, n in shares.items() if n}
            assert all(n > 0 for n in held.values())
            assert held == self.reported()

        @invariant()
        def agrees_with_the_broker_but_for_what_was_not_heard(self) -> None:
            known = Order.objects.filter(batch__iscid=self.investor.iscid).exclude(status=OrderStatus.ERROR)
            filled = dict(known.filter(filled_quantity__gt=0).values_list("ref", "filled_quantity"))
            traded: Counter[str] = Counter()
            for trade in SimTrade.objects.filter(order__ref__in=known.values("ref")).select_related("order"):
                traded[trade.order.ref] += trade.quantity
            assert {ref: n for ref, n in traded.items() if ref in filled} == filled

        @invariant()
        def has_the_funds_and_shares_of_an_independent_ledger(self) -> None:
            account = SimAccount.objects.select_related("gateway").get(client_id=self.investor.client_id)
            now = clock.now(account.gateway)
            trades = list(SimTrade.objects.filter(account=account).order_by("serial"))
            funds = account.opening_funds - sum(paid(trade) for trade in trades)
            today = now.astimezone(IST).date()
            sold = sum(
                (
                    -paid(one) + one.charges
                    for one in trades
                    if one.side == "SELL" and one.at.astimezone(IST).date() == today
                ),
                Decimal(0),
            )
            spendable = funds - sold + (sold * Decimal("0.8")).quantize(Decimal("0.01"), ROUND_DOWN)
            assert funds >= 0
            assert free_funds(account, now) == max(spendable, Decimal(0))
            assert [
                (one.ticker, one.quantity - one.today - one.t1, one.t1, one.today) for one in held_by(account, now)
            ] == [(ticker, *by_age(lots, now)) for ticker, lots in sorted(lots_of(trades).items()) if lots]

        @invariant()
        def keeps_each_order_once(self) -> None:
            fills = InvestmentFill.objects.filter(investment__iscid=self.investor.iscid)
            filled = Order.objects.filter(batch__iscid=self.investor.iscid, filled_quantity__gt=0)
            assert set(fills.values_list("order_ref", "shares")) == set(filled.values_list("ref", "filled_quantity"))

        def reported(self) -> dict[str, int]:
            investment = Investment.objects.get(iscid=self.investor.iscid)
            return self.investor.shares() if investment.exited_at is None else {}

    return Books


class TestTheBooks:
    def test_balance_whatever_happens(self, partner: Partner) -> None:
        make.smallcase()
        run_state_machine_as_test(
            machine(partner),
            settings=settings(
                max_examples=examples(5, long=100),
                stateful_step_count=12,
                deadline=None,
                derandomize=True,
                suppress_health_check=list(HealthCheck),
            ),
        )
