"""Settled, approved, undone; and what the broker says afterwards."""

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, connection
from django.db.transaction import atomic
from django.test.utils import CaptureQueriesContext

from brokers.market.charges import Tariff
from brokers.models import Instrument
from brokers.simulator.order_actions import ActionKind, OrderAction, act_on_order
from gateway.models import Gateway
from gateway.values.errors import Invalid
from smallcases.models import Investment
from tests import make
from tests.invariants.world import broken
from tests.transactions.reconciliation.reconciling import (
    REJECTED,
    Scene,
    acting,
    at_broker,
    complete,
    follow,
    lost,
    settled,
    support,
)
from transactions.domain.corrections import CorrectedOutcome, NotCorrectable
from transactions.domain.statuses import OrderStatus
from transactions.execution.mark_complete import mark_complete
from transactions.execution.polling import poll_result_of
from transactions.execution.read_batches import read_one
from transactions.execution.record_updates import record_batch_updates, state_of
from transactions.execution.requeue import requeue
from transactions.models import Batch, Order, OrderCorrection
from transactions.reconciliation import correct_orders
from transactions.reconciliation.correct_orders import (
    AlreadyProposed,
    CorrectedBy,
    NotInForce,
    NotOpen,
    OrderChanged,
    OwnCorrection,
    approve,
    correct_order,
    decline,
    preview,
    preview_undo,
    undo,
)
from webhooks.models import Event

FREE = Tariff(Decimal(0), Decimal(0))
PARTIAL = CorrectedOutcome(OrderStatus.PARTIAL, 2, Decimal("3000.50"), exchange_order_id="1100000000000001")
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("instruments")]


@pytest.fixture
def gateway() -> Gateway:
    return make.gateway()


@pytest.fixture
def scene(gateway: Gateway, now: datetime) -> Scene:
    return lost(gateway, now)


@pytest.fixture
def asha() -> User:
    return support()


@pytest.fixture
def ravi() -> User:
    return support()


@pytest.fixture
def later(now: datetime) -> datetime:
    return now + timedelta(hours=1)


def events(batch: Batch) -> list[tuple[str, int, str]]:
    rows = Event.objects.filter(subject=batch.batch_id).order_by("sequence")
    return [(row.type, row.sequence, row.payload["status"]) for row in rows]


def outcome_of(order: Order) -> tuple[str, int, Decimal | None, str | None]:
    return order.status, order.filled_quantity, order.average_price, order.error_code


TOLD = [("order.placed", 1, "PLACED"), ("order.updated", 2, "ERROR")]


class TestSettling:
    @pytest.mark.parametrize(
        ("outcome", "batch", "expected"),
        [
            (
                CorrectedOutcome(OrderStatus.COMPLETE, 5, Decimal(3000), "11"),
                "COMPLETED",
                ("COMPLETE", 5, Decimal(3000), None),
            ),
            (PARTIAL, "PARTIALLYFILLED", ("PARTIAL", 2, Decimal("3000.5"), None)),
            (REJECTED, "PARTIALLYFILLED", ("REJECTED", 0, None, "marginsExceeded")),
            (CorrectedOutcome(OrderStatus.REJECTED), "PARTIALLYFILLED", ("REJECTED", 0, None, "otherError")),
            (CorrectedOutcome(OrderStatus.CANCELLED), "PARTIALLYFILLED", ("CANCELLED", 0, None, None)),
        ],
    )
    def test_ends_an_order_in_error(
        self, scene: Scene, asha: User, outcome: CorrectedOutcome, batch: str, expected: tuple[Any, ...]
    ) -> None:
        later = scene.batch.created_at + timedelta(hours=1)

        made = settled(scene.order, outcome, by=asha, now=later)

        found = Batch.objects.get(pk=scene.batch.pk)
        assert (outcome_of(scene.fresh()), found.status, found.completed_at) == (expected, batch, later)
        assert events(found) == [*TOLD, ("order.updated", 3, batch), ("order.completed", 4, batch)]
        assert (scene.fresh().active_correction, made.version, made.state) == (made, 1, "APPLIED")
        assert broken() == {}

    def test_does_what_its_preview_said(self, scene: Scene, asha: User, later: datetime) -> None:
        impact = preview(order=scene.order, outcome=PARTIAL, now=later)
        assert scene.fresh().status == "ERROR"

        made = settled(scene.order, PARTIAL, by=asha, now=later)

        found = Batch.objects.get(pk=scene.batch.pk)
        assert state_of(scene.fresh()) == impact.after[scene.order.pk]
        assert (found.status, found.completed_at) == (impact.status_after, impact.completed_after)
        assert [kind for kind, *_ in events(found)][2:] == list(impact.event_types)
        assert (made.batch_before, made.batch_after) == ("ERROR", "PARTIALLYFILLED")
        assert impact.cash_after.bought - impact.cash_before.bought == 2 * Decimal("3000.50")

    @pytest.mark.parametrize(
        ("outcome", "sentence"),
        [
            (
                CorrectedOutcome(OrderStatus.COMPLETE, 4, Decimal(1), "11"),
                "shares that is COMPLETE cannot have 4 filled",
            ),
            (CorrectedOutcome(OrderStatus.PARTIAL, 5, Decimal(1), "11"), "shares that is PARTIAL cannot have 5 filled"),
            (
                CorrectedOutcome(OrderStatus.REJECTED, 1, Decimal(1), "11"),
                "shares that is REJECTED cannot have 1 filled",
            ),
            (CorrectedOutcome(OrderStatus.COMPLETE, 5, None, "11"), "price:"),
            (CorrectedOutcome(OrderStatus.COMPLETE, 5, Decimal(-1), "11"), "price:"),
            (CorrectedOutcome(OrderStatus.CANCELLED, 0, Decimal(1)), "price:"),
            (CorrectedOutcome(OrderStatus.COMPLETE, 5, Decimal(1)), "exchange order id:"),
            (CorrectedOutcome(OrderStatus.REJECTED, error_code="nonsense"), "error code:"),
            (CorrectedOutcome(OrderStatus.PLACED), "status:"),
        ],
    )
    def test_refuses_what_cannot_have_been(
        self, scene: Scene, asha: User, later: datetime, outcome: CorrectedOutcome, sentence: str
    ) -> None:
        with pytest.raises(Invalid, match=sentence):
            settled(scene.order, outcome, by=asha, now=later)

        assert (scene.status(), OrderCorrection.objects.count()) == ("ERROR", 0)

    @pytest.mark.parametrize("reason", ["", "  ", "x" * 501])
    def test_needs_a_reason(self, scene: Scene, asha: User, later: datetime, reason: str) -> None:
        with pytest.raises(Invalid, match="reason"):
            settled(scene.order, REJECTED, by=asha, now=later, reason=reason)

        assert scene.status() == "ERROR"

    def test_is_not_for_an_order_that_is_followed_still(self, gateway: Gateway, asha: User, now: datetime) -> None:
        batch = make.queued_batch(gateway=gateway, now=now)

        with pytest.raises(NotCorrectable):
            settled(make.orders(batch)[0], REJECTED, by=asha, now=now)

    def test_judges_the_fills_of_an_investment_that_is_locked(self, scene: Scene, asha: User, later: datetime) -> None:
        """Another batch of it may be written beside this one."""
        mine = {"label": "BUY", "original_label": "BUY", "iscid": "5" * 24}
        Batch.objects.filter(pk=scene.batch.pk).update(**mine, version=make.smallcase().versions.get())

        with CaptureQueriesContext(connection) as asked:
            settled(scene.order, complete(scene.order), by=asha, now=later)

        tables = [one["sql"].partition(' FROM "')[2].partition('"')[0] for one in asked]
        assert tables.index("smallcases_investment") < tables.index("smallcases_investmentfill")
        assert Investment.objects.get(iscid="5" * 24).fills.count() == 2

    def test_twice_is_once(self, scene: Scene, asha: User, later: datetime) -> None:
        seen = {scene.order.pk: state_of(scene.order)}
        wish: Any = {
            "outcomes": {scene.order.pk: REJECTED},
            "seen": seen,
            "corrected_by": CorrectedBy(acting(asha), "Twice."),
        }
        correct_order(batch=scene.batch, **wish, now=later)

        with pytest.raises(OrderChanged):
            correct_order(batch=scene.batch, **wish, now=later)

        assert (OrderCorrection.objects.count(), len(events(scene.batch))) == (1, 4)

    def test_makes_a_worker_that_has_asked_before_write_nothing(
        self, scene: Scene, asha: User, later: datetime
    ) -> None:
        asked = poll_result_of(*read_one(scene.batch.pk), {}, later)

        settled(scene.order, REJECTED, by=asha, now=later)
        record_batch_updates([asked.update])

        assert outcome_of(scene.fresh())[0] == "REJECTED"

    def test_keeps_a_batch_closed_that_was_marked_complete(self, scene: Scene, asha: User, later: datetime) -> None:
        first = settled(scene.order, REJECTED, by=asha, now=later)
        mark_complete(batch=Batch.objects.get(pk=scene.batch.pk), now=later)

        undo(correction=first, corrected_by=CorrectedBy(acting(asha), "Wrong."), now=later)
        assert (scene.status(), broken()) == ("ERROR", {})


class TestFourEyes:
    @pytest.fixture(autouse=True)
    def _low(self, settings: Any) -> None:
        settings.RECONCILE_FOUR_EYES_ABOVE = 10_000

    def test_look_above_the_amount(self, scene: Scene, asha: User, later: datetime) -> None:
        made = settled(scene.order, complete(scene.order), by=asha, now=later)

        assert (made.state, made.amount, made.needs_approval) == ("PROPOSED", Decimal(15_000), True)
        assert (scene.status(), events(scene.batch)) == ("ERROR", TOLD)

    def test_are_not_asked_for_at_the_amount(self, scene: Scene, asha: User, later: datetime, settings: Any) -> None:
        settings.RECONCILE_FOUR_EYES_ABOVE = 15_000

        assert settled(scene.order, complete(scene.order), by=asha, now=later).state == "APPLIED"

    def test_are_not_avoided_by_a_low_price(self, scene: Scene, asha: User, later: datetime) -> None:
        made = settled(scene.order, complete(scene.order, "0.01"), by=asha, now=later)

        assert (made.state, made.amount) == ("PROPOSED", Decimal("12368.50"))  # 5 TCS at their reference price

    def test_look_where_no_price_is_known(self, scene: Scene, asha: User, later: datetime) -> None:
        Instrument.objects.filter(symbol="TCS").update(symbol="GONE")

        made = settled(scene.order, REJECTED, by=asha, now=later)

        assert (made.state, made.needs_approval, scene.status()) == ("PROPOSED", True, "ERROR")

    def test_lock_the_audit_trail_last(self, scene: Scene, asha: User, later: datetime, settings: Any) -> None:
        """Who holds the trail's head waits for nobody: here one is proposed, and one applied at once."""
        settings.RECONCILE_FOUR_EYES_ABOVE = 15_000
        first = make.orders(scene.batch)[0]
        orders = {first.pk: first, scene.order.pk: scene.fresh()}
        with CaptureQueriesContext(connection) as asked:
            correct_order(
                batch=scene.batch,
                outcomes={first.pk: REJECTED, scene.order.pk: complete(scene.order)},
                seen={pk: state_of(order) for pk, order in orders.items()},
                corrected_by=CorrectedBy(acting(asha), "Tradebook."),
                now=later,
            )

        written = [one["sql"] for one in asked if one["sql"].startswith(("INSERT", "UPDATE"))]
        trail = [number for number, sql in enumerate(written) if "gateway_audit" in sql]
        assert trail[0] > max(number for number, sql in enumerate(written) if "webhooks_event" in sql)
        assert list(OrderCorrection.objects.order_by("pk").values_list("state", flat=True)) == ["PROPOSED", "APPLIED"]

    def test_of_another_apply_it(self, scene: Scene, asha: User, ravi: User, later: datetime) -> None:
        made = settled(scene.order, complete(scene.order), by=asha, now=later)

        approve(correction=made, actor=acting(ravi), now=later)

        made.refresh_from_db()
        assert (made.state, made.decided_by, scene.status()) == ("APPLIED", ravi, "COMPLETED")
        assert broken() == {}

    def test_are_not_ones_own(self, scene: Scene, asha: User, later: datetime) -> None:
        made = settled(scene.order, complete(scene.order), by=asha, now=later)

        with pytest.raises(OwnCorrection):
            approve(correction=made, actor=acting(asha), now=later)

        assert (scene.status(), OrderCorrection.objects.get().state) == ("ERROR", "PROPOSED")

    def test_are_not_ones_own_for_the_database_either(self, scene: Scene, asha: User, later: datetime) -> None:
        settled(scene.order, complete(scene.order), by=asha, now=later)

        with pytest.raises(IntegrityError), atomic():
            OrderCorrection.objects.update(state="APPLIED", applied_at=later, decided_by=asha)
        with pytest.raises(IntegrityError), atomic():
            OrderCorrection.objects.update(state="APPLIED", applied_at=later)

    def test_look_when_a_final_order_is_overturned(self, scene: Scene, asha: User, ravi: User, later: datetime) -> None:
        first = make.orders(scene.batch)[0]

        made = settled(first, REJECTED, by=asha, now=later)
        assert (made.state, Order.objects.get(pk=first.pk).status) == ("PROPOSED", "COMPLETE")

        approve(correction=made, actor=acting(ravi), now=later)
        assert Order.objects.get(pk=first.pk).status == "REJECTED"
        assert (made.amount, OrderCorrection.objects.get().broker_confirms) == (made.amount, False)

    def test_refuse_a_proposal_that_is_out_of_date(
        self, gateway: Gateway, asha: User, ravi: User, now: datetime
    ) -> None:
        scene = lost(gateway, now, client_id="late-fill")
        made = settled(scene.order, complete(scene.order), by=asha, now=now)
        follow(scene.batch, minutes=11)
        assert scene.status() == "COMPLETED"

        with pytest.raises(OrderChanged):
            approve(correction=made, actor=acting(ravi), now=now)

        made.refresh_from_db()
        assert (made.state, scene.fresh().active_correction, len(events(scene.batch))) == ("OUTDATED", None, 3)

    def test_decide_once(self, scene: Scene, asha: User, ravi: User, later: datetime) -> None:
        made = settled(scene.order, complete(scene.order), by=asha, now=later)
        decline(correction=made, actor=acting(ravi), note="Another client's trade.", now=later)

        with pytest.raises(NotOpen):
            approve(correction=made, actor=acting(ravi), now=later)

        made.refresh_from_db()
        assert (made.state, made.note, scene.status()) == ("DECLINED", "Another client's trade.", "ERROR")

    def test_have_one_proposal_before_them(self, scene: Scene, asha: User, ravi: User, later: datetime) -> None:
        settled(scene.order, complete(scene.order), by=asha, now=later)

        with pytest.raises(AlreadyProposed):
            settled(scene.order, complete(scene.order, "3001"), by=ravi, now=later)

        assert OrderCorrection.objects.count() == 1

    def test_are_needed_to_undo_what_needed_them(self, scene: Scene, asha: User, ravi: User, later: datetime) -> None:
        made = settled(scene.order, complete(scene.order), by=asha, now=later)
        approve(correction=made, actor=acting(ravi), now=later)
        made.refresh_from_db()

        undoing = undo(correction=made, corrected_by=CorrectedBy(acting(ravi), "Wrong client."), now=later)
        assert (undoing.state, scene.status()) == ("PROPOSED", "COMPLETED")

        approve(correction=undoing, actor=acting(asha), now=later)
        assert (scene.status(), scene.fresh().active_correction, broken()) == ("ERROR", None, {})


class TestUndoing:
    def test_restores_the_truth_before_it(self, scene: Scene, asha: User, later: datetime) -> None:
        before = state_of(scene.fresh())
        made = settled(scene.order, PARTIAL, by=asha, now=later)
        impact = preview_undo(correction=made, now=later)

        undoing = undo(
            correction=made, corrected_by=CorrectedBy(acting(asha), "Wrong day."), now=later + timedelta(minutes=1)
        )

        batch = Batch.objects.get(pk=scene.batch.pk)
        made.refresh_from_db()
        assert replace(state_of(scene.fresh()), unreported_since=None) == replace(before, unreported_since=None)
        assert (batch.status, batch.completed_at, batch.status) == ("ERROR", None, impact.status_after)
        assert events(batch)[4:] == [("order.updated", 5, "ERROR")]
        assert (made.state, undoing.state, undoing.version, undoing.undoes) == ("UNDONE", "APPLIED", 2, made)
        assert broken() == {}

    def test_restores_the_previous_correction(self, scene: Scene, asha: User, ravi: User, later: datetime) -> None:
        first = settled(scene.order, PARTIAL, by=asha, now=later)
        second = settled(scene.order, REJECTED, by=asha, now=later)
        approve(correction=second, actor=acting(ravi), now=later)
        second.refresh_from_db()

        undoing = undo(correction=second, corrected_by=CorrectedBy(acting(asha), "It had filled."), now=later)
        approve(correction=undoing, actor=acting(ravi), now=later)

        assert (outcome_of(scene.fresh())[:2], scene.fresh().active_correction) == (("PARTIAL", 2), first)
        assert broken() == {}

    def test_twice_is_once(self, scene: Scene, asha: User, later: datetime) -> None:
        made = settled(scene.order, PARTIAL, by=asha, now=later)
        undo(correction=made, corrected_by=CorrectedBy(acting(asha), "Wrong."), now=later)

        with pytest.raises(NotInForce):
            undo(correction=made, corrected_by=CorrectedBy(acting(asha), "Wrong."), now=later)

        assert OrderCorrection.objects.count() == 2

    def test_lets_two_people_correct_the_order_again(
        self, scene: Scene, asha: User, ravi: User, later: datetime
    ) -> None:
        """Else one person alone could overturn what was settled, in two steps."""
        made = settled(scene.order, PARTIAL, by=asha, now=later)
        undo(correction=made, corrected_by=CorrectedBy(acting(asha), "Wrong."), now=later)

        again = settled(scene.order, complete(scene.order), by=asha, now=later + timedelta(hours=1))
        assert (again.state, scene.status()) == ("PROPOSED", "ERROR")
        approve(correction=again, actor=acting(ravi), now=later + timedelta(hours=1))

        batch = Batch.objects.get(pk=scene.batch.pk)
        assert (batch.status, batch.completed_at, again.version) == ("COMPLETED", later + timedelta(hours=1), 3)
        assert broken() == {}


class TestTheBrokersWord:
    def test_is_kept_as_it_was_said(self, scene: Scene) -> None:
        assert [order.report_log[-1]["status"] for order in make.orders(scene.batch)[:1]] == ["COMPLETE"]
        assert scene.fresh().report_log == []

    def test_that_cannot_be_believed_is_kept_all_the_same(self, gateway: Gateway, now: datetime) -> None:
        scene = lost(gateway, now, client_id="contradicts")
        follow(scene.batch, seconds=5)

        (word,) = scene.fresh().report_log
        assert (scene.fresh().status, word["status"], word["filled_quantity"]) == ("ERROR", "COMPLETE", 0)

    @pytest.mark.parametrize(("outcome", "agrees"), [(REJECTED, False), (None, True)])
    def test_that_comes_late_is_compared_with_the_correction_and_changes_nothing(
        self, gateway: Gateway, asha: User, now: datetime, outcome: CorrectedOutcome | None, agrees: bool
    ) -> None:
        scene = lost(gateway, now, client_id="late-fill")
        price = at_broker(scene.order).average_price
        made = settled(scene.order, outcome or complete(scene.order, str(price)), by=asha, now=now)
        before = state_of(scene.fresh())

        batch = follow(scene.batch, minutes=11)

        made.refresh_from_db()
        assert (state_of(scene.fresh()), made.broker_confirms) == (before, agrees)
        assert scene.fresh().report_log[-1]["filled_quantity"] == 5
        assert (len(events(scene.batch)), batch.due_at is None, broken()) == (4, agrees, {})

    def test_is_asked_for_no_longer_than_a_day(self, gateway: Gateway, asha: User, now: datetime) -> None:
        scene = lost(gateway, now)
        settled(scene.order, REJECTED, by=asha, now=now)
        assert Batch.objects.get(pk=scene.batch.pk).due_at is not None

        assert follow(scene.batch, hours=24).due_at is None

    def test_is_applied_after_the_correction_is_undone(self, gateway: Gateway, asha: User, now: datetime) -> None:
        scene = lost(gateway, now, client_id="late-fill")
        made = settled(scene.order, REJECTED, by=asha, now=now)
        follow(scene.batch, minutes=11)
        undo(correction=made, corrected_by=CorrectedBy(acting(asha), "The broker has it filled."), now=now)

        batch = follow(scene.batch, minutes=1)

        assert (batch.status, scene.fresh().active_correction, broken()) == ("COMPLETED", None, {})

    def test_can_be_asked_for_again(self, gateway: Gateway, asha: User, now: datetime) -> None:
        scene = lost(gateway, now)
        made = settled(scene.order, REJECTED, by=asha, now=now)
        follow(scene.batch, hours=24)
        act_on_order(
            ref=scene.order.ref, action=OrderAction(ActionKind.FILL), tariff=FREE, now=now + timedelta(hours=25)
        )

        requeue(Batch.objects.filter(pk=scene.batch.pk), gateway, now=make.later(gateway, hours=1))
        follow(scene.batch)

        made.refresh_from_db()
        assert made.broker_confirms is False


class TestTheHistory:
    def test_is_what_the_module_says_it_is(self) -> None:
        assert OrderCorrection._meta.get_field("reason").max_length == correct_orders.LONGEST_REASON
