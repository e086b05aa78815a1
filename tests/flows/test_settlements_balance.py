"""Settle, undo, a broker's late report, FIX, in any order: the books balance, and the audit chain holds."""

from datetime import datetime
from decimal import Decimal
from itertools import count
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from brokers.market.charges import Tariff
from brokers.simulator.order_actions import ActionKind, OrderAction, act_on_order
from gateway.audit import trail
from gateway.models import Gateway
from gateway.partners import clock
from gateway.values.errors import GatewayError
from smallcases.models import InvestmentFill
from tests import make
from tests.examples import examples
from tests.flows.test_books_balance import signed
from tests.invariants.world import broken
from tests.investor import Investor
from tests.partner import Partner
from tests.transactions.reconciliation.reconciling import acting, settled, support
from transactions.domain.corrections import CorrectedOutcome
from transactions.domain.statuses import OrderStatus
from transactions.models import Order, OrderCorrection
from transactions.reconciliation.correct_orders import CorrectedBy, approve, undo

FREE = Tariff(Decimal(0), Decimal(0))
PARTS = st.sampled_from(("all", "some", "nothing"))
_clients = count(1)


def outcome(order: Order, part: str) -> CorrectedOutcome:
    shares = {"all": order.quantity, "some": order.quantity // 2, "nothing": 0}[part]
    if not shares:
        return CorrectedOutcome(OrderStatus.REJECTED)
    status = OrderStatus.COMPLETE if shares == order.quantity else OrderStatus.PARTIAL
    return CorrectedOutcome(status, shares, Decimal("1234.5600"), exchange_order_id="1100000000000009")


def machine(partner: Partner) -> type[RuleBasedStateMachine]:
    class Desk(RuleBasedStateMachine):
        def __init__(self) -> None:
            super().__init__()
            self.investor = Investor(partner, client_id=f"happy-{next(_clients)}", amount=200_000)
            self.asha, self.ravi = support(), support()

        def orders(self) -> list[Order]:
            return list(Order.objects.filter(batch__iscid=self.investor.iscid).order_by("pk"))

        @rule(action=st.sampled_from(("hang", "late-fill")))
        def lose_an_order(self, action: str) -> None:
            partner.hours("closed")
            created = self.investor.try_create("INVESTMORE", amount=50_000)
            if created.status == 200:
                answer = self.investor.complete(created.data["transactionId"], amo=True)
                for batch in (answer.body["data"] or {}).get("orderBatches", ()):
                    partner.act(batch["batchId"], batch["orders"][0]["tradingsymbol"], action)
            partner.hours("always")
            partner.advance("PT10S")
            make.sweep()

        @rule(which=st.integers(0, 50), part=PARTS, approves=st.booleans())
        def settle(self, which: int, part: str, approves: bool) -> None:
            """Final ones too: those wait for a second person, who may come or not."""
            orders = self.orders()
            order = orders[which % len(orders)]
            try:
                made = settled(order, outcome(order, part), by=self.asha, now=self.now())
                if made.needs_approval and approves:
                    approve(correction=made, actor=acting(self.ravi), now=self.now())
            except GatewayError:
                return

        @rule(which=st.integers(0, 50))
        def approve_what_waits(self, which: int) -> None:
            waiting = list(OrderCorrection.objects.filter(state="PROPOSED").order_by("pk"))
            if waiting:
                try:
                    approve(correction=waiting[which % len(waiting)], actor=acting(self.ravi), now=self.now())
                except GatewayError:
                    return

        @rule(which=st.integers(0, 50))
        def undo(self, which: int) -> None:
            stands = [order.active_correction for order in self.orders() if order.active_correction is not None]
            if stands:
                try:
                    corrected_by = CorrectedBy(acting(self.asha), "Changed my mind.")
                    undo(correction=stands[which % len(stands)], corrected_by=corrected_by, now=self.now())
                except GatewayError:
                    return

        @rule()
        def hear_late_words(self) -> None:
            for order in self.orders():
                try:
                    act_on_order(ref=order.ref, action=OrderAction(ActionKind.FILL), tariff=FREE, now=self.now())
                except GatewayError:
                    continue
            partner.advance("PT11M")
            make.sweep()

        @rule(percent=st.sampled_from((10, 50, 100)))
        def leave(self, percent: int) -> None:
            self.order("EXIT", exit={"percent": percent})

        @rule()
        def fix(self) -> None:
            self.order("FIX")

        def order(self, kind: str, **chosen: Any) -> None:
            created = self.investor.try_create(kind, **chosen)
            if created.status == 200:
                self.investor.complete(created.data["transactionId"])
                partner.advance("PT10S")
                make.sweep()

        def now(self) -> datetime:
            return clock.now(Gateway.objects.get(name=partner.name))

        @invariant()
        def everything_that_must_be_true_is(self) -> None:
            assert broken() == {}

        @invariant()
        def an_investment_is_the_sum_of_its_orders(self) -> None:
            held: dict[str, int] = {}
            for order in self.orders():
                held[order.ticker] = held.get(order.ticker, 0) + signed(order.side, order.filled_quantity)
            fills: dict[str, int] = {}
            for fill in InvestmentFill.objects.filter(investment__iscid=self.investor.iscid):
                fills[fill.ticker] = fills.get(fill.ticker, 0) + signed(fill.side, fill.shares)
            assert {t: n for t, n in held.items() if n} == {t: n for t, n in fills.items() if n}

        @invariant()
        def the_audit_chain_holds(self) -> None:
            assert trail.verify().broken is None

        @invariant()
        def no_correction_that_took_two_was_one_persons(self) -> None:
            alone = OrderCorrection.objects.filter(needs_approval=True, applied_at__isnull=False, decided_by=self.asha)
            assert not alone.exists()

    return Desk


class TestTheDesk:
    def test_leaves_the_books_balanced_whatever_is_done_at_it(self, partner: Partner) -> None:
        make.smallcase()
        run_state_machine_as_test(
            machine(partner),
            settings=settings(
                max_examples=examples(4, long=100),
                stateful_step_count=12,
                deadline=None,
                derandomize=True,
                suppress_health_check=list(HealthCheck),
            ),
        )
        states = set(OrderCorrection.objects.values_list("state", flat=True))
        assert states >= {"APPLIED", "UNDONE"}, states
        assert OrderCorrection.objects.filter(needs_approval=True).exists()
