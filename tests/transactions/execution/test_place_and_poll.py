"""Place and follow, against the simulated brokers; a link that breaks is one of them with the line cut."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import ClassVar

import pytest
from django.db.models import F

from brokers.market.price_overrides import override_price
from brokers.models import BrokerSession
from brokers.ports.broker import (
    Ack,
    BrokerStatus,
    LiveSession,
    NewOrder,
    OrderType,
    Report,
    SentOrder,
    SessionEnded,
    Side,
    Unreachable,
)
from brokers.sessions import session_of
from brokers.simulator.adapter import SimulatedBroker
from brokers.simulator.models import SimOrder, SimTrade
from brokers.simulator.personas import Persona
from gateway.models import Gateway
from gateway.queue.leases import LEASE
from tests import make
from tests.transactions.execution.conftest import Use
from transactions.checkout.broker_login import log_in
from transactions.checkout.confirm import UserSelections, confirm
from transactions.domain.basket import Security
from transactions.domain.intents import Intent
from transactions.domain.price_protection import QuotedOrder
from transactions.execution.batch_worker import BatchWorker
from transactions.execution.broker_calls import Answer, BrokerCalls
from transactions.execution.placement import Placement
from transactions.execution.polling import poll_result_of, unreported_limit_of
from transactions.execution.read_batches import read_one
from transactions.execution.record_updates import record_batch_updates
from transactions.lifecycle.create import TransactionRequest, create_transaction
from transactions.models import Batch, Order, Transaction
from transactions.sandbox.scenarios import PERSONAS
from webhooks.models import Event

BUYS = (Security("INFY", 10, Side.BUY), Security("TCS", 5, Side.BUY))
FAR_BELOW = (Security("INFY", 10, Side.BUY, OrderType.LIMIT, price=Decimal("1000.00")), BUYS[1])
QUOTED = QuotedOrder({"INFY": Decimal(1000), "TCS": Decimal(3000)}, [("INFY", "BUY", 10), ("TCS", "BUY", 5)])
AT_THE_EXCHANGE = timedelta(milliseconds=10)  # the latency of the broker


class HearsNothing(SimulatedBroker):
    def place(self, session: LiveSession, order: NewOrder, *, now: datetime) -> Ack:
        raise Unreachable("The line was cut before the orders.", may_have_arrived=False)


class AnswersNothing(SimulatedBroker):
    def place(self, session: LiveSession, order: NewOrder, *, now: datetime) -> Ack:
        super().place(session, order, now=now)
        raise Unreachable("The line was cut before the answer.")


class TakesARefTwice(SimulatedBroker):
    has_unique_refs = False


class TellsNothing(SimulatedBroker):
    def order_book(self, session: LiveSession, refs: Sequence[str], *, now: datetime) -> Sequence[Report]:
        raise Unreachable("The line was cut.")


class HearsTheFirst(SimulatedBroker):
    def place(self, session: LiveSession, order: NewOrder, *, now: datetime) -> Ack:
        if order.position:
            raise Unreachable("The line was cut before the second order.", may_have_arrived=False)
        return super().place(session, order, now=now)


class EndsTheSession(SimulatedBroker):
    def place(self, session: LiveSession, order: NewOrder, *, now: datetime) -> Ack:
        raise SessionEnded("Log in.")

    def order_book(self, session: LiveSession, refs: Sequence[str], *, now: datetime) -> Sequence[Report]:
        raise SessionEnded("Log in.")


class IsReplaced(SimulatedBroker):
    """While it is asked, the user logs in again."""

    def order_book(self, session: LiveSession, refs: Sequence[str], *, now: datetime) -> Sequence[Report]:
        BrokerSession.objects.update(started_at=now)
        raise SessionEnded("Another session is live.")


class CountsBooks(SimulatedBroker):
    read: ClassVar[list[Sequence[str]]] = []

    def order_book(self, session: LiveSession, refs: Sequence[str], *, now: datetime) -> Sequence[Report]:
        self.read.append(refs)
        return super().order_book(session, refs, now=now)


class CancelsNothing(SimulatedBroker):
    def cancel(self, session: LiveSession, order: SentOrder, *, now: datetime) -> None:
        raise Unreachable("The line was cut.")


class IsOvertaken(SimulatedBroker):
    """So slow that the lease lapses, and another worker claims the batch meanwhile."""

    def place(self, session: LiveSession, order: NewOrder, *, now: datetime) -> Ack:
        ack = super().place(session, order, now=now)
        Batch.objects.update(attempts=F("attempts") + 1)
        return ack

    def order_book(self, session: LiveSession, refs: Sequence[str], *, now: datetime) -> Sequence[Report]:
        book = super().order_book(session, refs, now=now)
        Batch.objects.update(attempts=F("attempts") + 1)
        return book


def place(batch: Batch) -> Batch:
    return make.placed(batch)


def sync(batch: Batch, **later: float) -> Batch:
    """The gateway's clock moves on, then the broker is asked."""
    make.later(batch.gateway, **later)
    return make.followed_up(batch)


def queued(gateway: Gateway, now: datetime, client_id: str = "happy", securities: Sequence[Security] = BUYS) -> Batch:
    return make.queued_batch(gateway=gateway, securities=securities, client_id=client_id, now=now)


def placed(gateway: Gateway, now: datetime, client_id: str = "happy", securities: Sequence[Security] = BUYS) -> Batch:
    return place(queued(gateway, now, client_id, securities))


def price(gateway: Gateway, now: datetime, **rupees: str) -> None:
    for ticker, amount in rupees.items():
        override_price(gateway=gateway, ticker=ticker, price=Decimal(amount), now=now)


def statuses(batch: Batch) -> list[str]:
    return [order.status for order in make.orders(batch)]


def events(batch: Batch) -> list[tuple[str, int]]:
    return list(Event.objects.filter(subject=batch.batch_id).order_by("sequence").values_list("type", "sequence"))


def transaction_status(batch: Batch) -> str:
    return Transaction.objects.get(pk=batch.transaction_id).status


class TestPlacing:
    def test_hands_the_basket_to_the_broker(self, gateway: Gateway, now: datetime) -> None:
        batch = placed(gateway, now)

        assert list(SimOrder.objects.order_by("pk").values_list("ref", "ticker", "quantity")) == [
            (order.ref, order.ticker, order.quantity) for order in make.orders(batch)
        ]

    def test_is_written_with_its_event(self, gateway: Gateway, now: datetime) -> None:
        batch = placed(gateway, now)

        assert (batch.status, batch.placed_at, batch.completed_at) == ("PLACED", now, None)
        assert batch.due_at == now + AT_THE_EXCHANGE
        assert [(o.status, o.ordered_at, o.unreported_since) for o in make.orders(batch)] == [("PLACED", now, now)] * 2
        assert (events(batch), transaction_status(batch)) == ([("order.placed", 1)], "PROCESSING")

    def test_twice_places_once(self, gateway: Gateway, now: datetime) -> None:
        batch = queued(gateway, now)
        place(batch)

        place(batch)

        assert (SimOrder.objects.count(), events(batch)) == (2, [("order.placed", 1)])

    def test_again_after_a_worker_died_places_once(self, gateway: Gateway, now: datetime, use: Use) -> None:
        batch = queued(gateway, now)
        use(IsOvertaken)
        place(batch)  # the broker took the orders, and nothing was written here
        use(SimulatedBroker)

        batch = sync(place(batch))  # looks for the order that may have been sent, then sends the other

        assert (batch.status, SimOrder.objects.count()) == ("PLACED", 2)
        assert events(batch) == [("order.placed", 1), ("order.updated", 2)]

    def test_by_a_worker_that_was_overtaken_writes_nothing(self, gateway: Gateway, now: datetime, use: Use) -> None:
        use(IsOvertaken)

        batch = placed(gateway, now)

        assert (batch.status, batch.placed_at, batch.sequence, batch.attempts) == ("QUEUED", None, 0, 2)
        assert (statuses(batch), events(batch)) == (["QUEUED", "QUEUED"], [])

    def test_holds_the_batch_for_longer_than_a_broker_takes(self, gateway: Gateway, now: datetime, use: Use) -> None:
        use(IsOvertaken)

        assert placed(gateway, now).leased_until == now + LEASE

    def test_whose_answers_are_lost_leaves_the_orders_placed_and_sends_none_again(
        self, gateway: Gateway, now: datetime, use: Use
    ) -> None:
        use(AnswersNothing)

        batch = placed(gateway, now)

        assert (batch.status, statuses(batch), SimOrder.objects.count()) == ("PLACED", ["PLACED", "PLACED"], 2)
        assert [(o.broker_order_id, o.unreported_since) for o in make.orders(batch)] == [(None, now)] * 2

    def test_whose_answer_was_lost_is_found_in_the_order_book(self, gateway: Gateway, now: datetime, use: Use) -> None:
        use(AnswersNothing)

        assert sync(placed(gateway, now), seconds=1).status == "COMPLETED"

    def test_that_never_arrived_is_tried_until_the_deadline_and_then_unplaced(
        self, gateway: Gateway, now: datetime, use: Use
    ) -> None:
        use(HearsNothing)
        batch = placed(gateway, now)
        assert (batch.status, batch.unreachable_since, events(batch)) == ("QUEUED", now, [])

        tries = [sync(batch, seconds=seconds) for seconds in (2.9, 0.1)]

        assert [one.status for one in tries] == ["QUEUED", "UNPLACED"]
        assert [(o.status, o.error_code, o.ordered_at) for o in make.orders(batch)] == [
            ("UNPLACED", "adapterError", None)
        ] * 2
        assert (events(batch), transaction_status(batch)) == ([("order.completed", 1)], "COMPLETED")

    def test_that_never_arrived_is_placed_when_the_broker_is_back(
        self, gateway: Gateway, now: datetime, use: Use
    ) -> None:
        use(HearsNothing)
        batch = placed(gateway, now)
        use(SimulatedBroker)

        batch = sync(batch, seconds=1)

        assert (batch.status, batch.unreachable_since, SimOrder.objects.count()) == ("PLACED", None, 2)
        assert events(batch) == [("order.placed", 1)]

    def test_that_never_arrived_is_not_placed_when_the_broker_is_back_after_the_deadline(
        self, gateway: Gateway, now: datetime, use: Use
    ) -> None:
        """No worker looked at it meanwhile: all were dead, or the link was down."""
        use(HearsNothing)
        batch = placed(gateway, now)
        use(SimulatedBroker)

        batch = sync(batch, minutes=10)

        assert (batch.status, statuses(batch), SimOrder.objects.count()) == ("UNPLACED", ["UNPLACED"] * 2, 0)
        assert [order.error_code for order in make.orders(batch)] == ["adapterError"] * 2

    def test_shows_what_was_placed_while_the_rest_is_tried_again(
        self, gateway: Gateway, now: datetime, use: Use
    ) -> None:
        use(HearsTheFirst)
        batch = placed(gateway, now)
        assert (batch.status, statuses(batch), events(batch)) == (
            "PARTIALLYPLACED",
            ["PLACED", "QUEUED"],
            [("order.placed", 1)],
        )

        batch = sync(sync(batch, seconds=3))

        assert (batch.status, statuses(batch)) == ("PARTIALLYFILLED", ["COMPLETE", "UNPLACED"])
        assert [kind for kind, _ in events(batch)] == ["order.placed", "order.updated", "order.completed"]

    def test_hears_of_fills_while_the_rest_cannot_be_sent(self, gateway: Gateway, now: datetime, use: Use) -> None:
        use(HearsTheFirst)
        batch = placed(gateway, now)

        read = sync(batch, seconds=1)
        assert (read.status, statuses(read)) == ("PARTIALLYPLACED", ["COMPLETE", "QUEUED"])
        assert (read.unreachable_since, read.due_at) == (now, now + timedelta(seconds=1))
        assert events(read) == [("order.placed", 1), ("order.updated", 2)]

        tried = sync(read)
        assert (tried.unreachable_since, statuses(tried)) == (now, ["COMPLETE", "QUEUED"])
        use(SimulatedBroker)
        assert statuses(sync(sync(tried, seconds=1))) == ["COMPLETE", "PLACED"]

    def test_that_waits_is_tried_although_the_book_cannot_be_read(
        self, gateway: Gateway, now: datetime, use: Use
    ) -> None:
        use(HearsTheFirst)
        batch = placed(gateway, now)
        use(TellsNothing)

        read = sync(batch, seconds=1)
        assert (read.unreachable_since, read.due_at) == (now, now + timedelta(seconds=1))

        assert statuses(sync(read)) == ["PLACED", "PLACED"]

    def test_whose_session_ends_while_the_rest_waits_leaves_the_rest_unplaced(
        self, gateway: Gateway, now: datetime, use: Use
    ) -> None:
        use(HearsTheFirst)
        batch = placed(gateway, now)
        use(EndsTheSession)

        batch = sync(sync(batch, seconds=1))

        assert [(o.status, o.error_code) for o in make.orders(batch)] == [
            ("PLACED", None),
            ("UNPLACED", "sessionExpired"),
        ]
        assert (batch.due_at, batch.session_ended_at) == (None, now + timedelta(seconds=1))

    def test_that_a_dead_worker_may_have_sent_is_looked_for_and_then_sent_again(
        self, gateway: Gateway, now: datetime
    ) -> None:
        batch = queued(gateway, now)
        Order.objects.filter(batch=batch, position=0).update(sent_at=now - LEASE)

        batch = sync(sync(place(batch)), seconds=5)

        assert sorted(SimOrder.objects.values_list("ticker", flat=True)) == ["INFY", "TCS"]
        assert (batch.status, statuses(batch)) == ("COMPLETED", ["COMPLETE", "COMPLETE"])

    def test_that_a_dead_worker_may_have_sent_is_not_sent_again_where_refs_are_not_unique(
        self, gateway: Gateway, now: datetime, use: Use
    ) -> None:
        use(TakesARefTwice)
        batch = queued(gateway, now)
        Order.objects.filter(batch=batch, position=0).update(sent_at=now)

        batch = sync(sync(place(batch)), seconds=5)

        assert list(SimOrder.objects.values_list("ticker", flat=True)) == ["TCS"]
        assert (batch.status, statuses(batch)) == ("ERROR", ["ERROR", "COMPLETE"])

    @pytest.mark.parametrize("label", ["REBALANCE", "MANAGE"])
    def test_of_a_rebalance_waits_with_the_buys_for_the_sells(
        self, gateway: Gateway, now: datetime, use: Use, label: str
    ) -> None:
        batch, orders = read_one(queued(gateway, now, securities=(BUYS[0], Security("TCS", 5, Side.SELL))).pk)
        batch.original_label = label
        placement = Placement(batch, orders, session_of(batch.account))

        first = placement.sendable()
        first[0].sent_at = now
        assert [order.ticker for order in first] == ["TCS"]
        assert placement.sendable() == []

        placement.apply_answer(first[0], Answer(first[0], Ack(first[0].ref, "1"), None), now=now)
        assert [order.ticker for order in placement.sendable()] == ["INFY"]

    def test_without_a_session_places_nothing_and_says_so_once(self, gateway: Gateway, now: datetime, use: Use) -> None:
        use(EndsTheSession)
        batches = [queued(gateway, now), queued(gateway, now)]

        placed_ = [place(batch) for batch in batches]

        assert [(one.status, one.due_at, one.session_ended_at) for one in placed_] == [("UNPLACED", None, None)] * 2
        assert {order.error_code for one in batches for order in make.orders(one)} == {"sessionExpired"}
        assert Event.objects.filter(type="broker.session_ended").count() == 1

    def test_that_the_broker_refuses_is_the_end(self, gateway: Gateway, now: datetime) -> None:
        batch = placed(gateway, now, "broker-down")

        assert (batch.status, batch.due_at, batch.completed_at) == ("UNPLACED", None, now)
        assert [(o.status, o.error_code, o.ordered_at) for o in make.orders(batch)] == [
            ("UNPLACED", "adapterError", None)
        ] * 2
        assert (events(batch), transaction_status(batch)) == ([("order.completed", 1)], "COMPLETED")


class TestOrdersThatAreSentAgain:
    """The broker could not be reached at first, and answers a second later."""

    def again(self, gateway: Gateway, now: datetime, use: Use, quoted: QuotedOrder | None) -> Batch:
        price(gateway, now, INFY="1000", TCS="3000")
        use(HearsNothing)
        made = make.transaction(gateway=gateway, securities=BUYS, now=now)
        make.session(transaction=made, now=now)
        log_in(transaction=made, broker="kite", client_id="happy", pin="1234", now=now)
        confirm(transaction=made, selections=UserSelections(quoted=quoted), now=now)
        batch = place(Batch.objects.get())
        assert batch.status == "QUEUED"
        price(gateway, now, INFY="1010.1", TCS="2970")
        use(SimulatedBroker)
        return sync(batch, seconds=1)

    def test_are_placed_within_the_tolerance_of_the_quote_alone(
        self, gateway: Gateway, now: datetime, use: Use
    ) -> None:
        batch = self.again(gateway, now, use, QUOTED)

        infy, tcs = make.orders(batch)
        assert (infy.status, infy.error_code, tcs.status) == ("UNPLACED", "adapterError", "PLACED")
        assert infy.status_message == (
            "The price moved by more than 1% while the broker could not be reached. This order was not sent."
        )
        assert (batch.status, events(batch)) == ("PARTIALLYPLACED", [("order.placed", 1)])
        assert list(SimOrder.objects.values_list("ticker", flat=True)) == ["TCS"]

    def test_without_a_quote_are_placed_at_any_price(self, gateway: Gateway, now: datetime, use: Use) -> None:
        assert statuses(self.again(gateway, now, use, None)) == ["PLACED", "PLACED"]

    def test_are_not_checked_at_the_first_try(self, gateway: Gateway, now: datetime) -> None:
        price(gateway, now, INFY="1000", TCS="3000")
        made = make.transaction(gateway=gateway, securities=BUYS, now=now)
        make.session(transaction=made, now=now)
        log_in(transaction=made, broker="kite", client_id="happy", pin="1234", now=now)
        confirm(transaction=made, selections=UserSelections(quoted=QUOTED), now=now)
        price(gateway, now, INFY="1100", TCS="3000")

        assert statuses(place(Batch.objects.get())) == ["PLACED", "PLACED"]


class TestFollowing:
    def test_writes_fills_fold_transaction_and_event_together(self, gateway: Gateway, now: datetime) -> None:
        batch = sync(placed(gateway, now), seconds=1)

        assert (batch.status, batch.due_at, batch.completed_at) == ("COMPLETED", None, now + timedelta(seconds=1))
        assert [(o.status, o.filled_quantity) for o in make.orders(batch)] == [("COMPLETE", 10), ("COMPLETE", 5)]
        assert (events(batch), transaction_status(batch)) == (
            [("order.placed", 1), ("order.completed", 2)],
            "COMPLETED",
        )

    def test_fills_at_the_brokers_prices(self, gateway: Gateway, now: datetime) -> None:
        batch = sync(placed(gateway, now), seconds=1)

        trades = dict(SimTrade.objects.values_list("order__ref", "price"))
        assert {order.ref: order.average_price for order in make.orders(batch)} == trades

    def test_twice_asks_once(self, gateway: Gateway, now: datetime) -> None:
        batch = placed(gateway, now)
        make.later(gateway, seconds=1)
        make.followed_up(batch)

        make.followed_up(batch)

        assert events(batch) == [("order.placed", 1), ("order.completed", 2)]

    def test_of_what_is_final_does_nothing(self, gateway: Gateway, now: datetime) -> None:
        batch = sync(placed(gateway, now), seconds=1)

        assert sync(batch, seconds=1).attempts == batch.attempts

    def test_sends_nothing_without_changes(self, gateway: Gateway, now: datetime) -> None:
        first = sync(placed(gateway, now), seconds=0)
        batch = sync(first, seconds=0)

        assert (batch.status, events(batch)) == ("PLACED", [("order.placed", 1)])

    def test_asks_ever_more_seldom(self, gateway: Gateway, now: datetime) -> None:
        batch = sync(placed(gateway, now, securities=FAR_BELOW), seconds=40)

        assert batch.due_at == now + timedelta(seconds=60)

    def test_sends_an_event_for_every_step(self, gateway: Gateway, now: datetime) -> None:
        batch = placed(gateway, now, "slow")
        for _ in range(5):
            batch = sync(batch, seconds=13)

        assert events(batch) == [
            ("order.placed", 1),
            ("order.updated", 2),
            ("order.updated", 3),
            ("order.updated", 4),
            ("order.updated", 5),
            ("order.completed", 6),
        ]

    def test_by_a_worker_that_was_overtaken_writes_nothing(self, gateway: Gateway, now: datetime, use: Use) -> None:
        before = placed(gateway, now)
        use(IsOvertaken)

        batch = sync(before, seconds=1)

        assert (batch.status, batch.sequence, batch.due_at) == ("PLACED", 1, before.due_at)
        assert (statuses(batch), events(batch)) == (["PLACED", "PLACED"], [("order.placed", 1)])

    def test_with_reports_from_before_a_rivals_claim_writes_nothing(self, gateway: Gateway, now: datetime) -> None:
        batch, stale = read_one(placed(gateway, now).pk)
        Batch.objects.update(attempts=F("attempts") + 1)
        words = {o.ref: Report(o.ref, BrokerStatus.REJECTED, 0, None, None) for o in stale}

        record_batch_updates([poll_result_of(batch, stale, words, now).update])

        assert (statuses(batch), events(batch)) == (["PLACED", "PLACED"], [("order.placed", 1)])

    def test_over_a_broken_link_changes_no_order_however_long_it_lasts(
        self, gateway: Gateway, now: datetime, use: Use
    ) -> None:
        use(TellsNothing)
        batch = sync(placed(gateway, now), seconds=1)
        assert batch.unreachable_since == now + timedelta(seconds=1)

        batch = sync(batch, hours=30)

        assert (batch.status, statuses(batch)) == ("PLACED", ["PLACED", "PLACED"])
        assert (events(batch), transaction_status(batch)) == ([("order.placed", 1)], "PROCESSING")
        assert batch.due_at == now + timedelta(hours=30, seconds=31)

    def test_after_an_outage_hears_the_rest_and_says_that_the_broker_is_back(
        self, gateway: Gateway, now: datetime, use: Use
    ) -> None:
        use(TellsNothing)
        batch = sync(placed(gateway, now), hours=1)
        use(SimulatedBroker)

        batch = sync(batch, seconds=30)

        assert (batch.status, batch.unreachable_since) == ("COMPLETED", None)

    def test_counts_the_time_without_a_report_anew_after_an_outage(
        self, gateway: Gateway, now: datetime, use: Use
    ) -> None:
        batch = placed(gateway, now, "lost-contact")
        use(TellsNothing)
        batch = sync(batch, hours=1)
        use(SimulatedBroker)

        assert [sync(batch, seconds=seconds).status for seconds in (1, 4.9, 0.1)] == ["PLACED", "PLACED", "ERROR"]

    def test_of_several_batches_of_an_account_reads_one_book(self, gateway: Gateway, now: datetime, use: Use) -> None:
        batches = [placed(gateway, now) for _ in range(3)]
        use(CountsBooks)
        CountsBooks.read.clear()
        make.later(gateway, seconds=1)

        BatchWorker(BrokerCalls(at_once=1)).work(idle_grace=0)

        assert [len(refs) for refs in CountsBooks.read] == [6]
        assert set(Batch.objects.filter(pk__in=[b.pk for b in batches]).values_list("status", flat=True)) == {
            "COMPLETED"
        }

    def test_does_not_believe_what_cannot_be(self, gateway: Gateway, now: datetime) -> None:
        batch = sync(placed(gateway, now, "contradicts"), seconds=1)
        batch = sync(batch, seconds=5)

        assert (batch.status, statuses(batch)) == ("ERROR", ["COMPLETE", "ERROR"])
        assert [order.filled_quantity for order in make.orders(batch)] == [10, 0]

    def test_applies_the_late_report(self, gateway: Gateway, now: datetime) -> None:
        batch = sync(placed(gateway, now, "late-fill"), seconds=5)
        assert (batch.status, statuses(batch)) == ("ERROR", ["COMPLETE", "ERROR"])

        batch = sync(batch, minutes=10)

        assert (batch.status, statuses(batch)) == ("COMPLETED", ["COMPLETE", "COMPLETE"])
        assert events(batch) == [("order.placed", 1), ("order.updated", 2), ("order.completed", 3)]

    def test_completes_the_transaction_once(self, gateway: Gateway, now: datetime) -> None:
        batch = sync(placed(gateway, now, "late-fill"), seconds=5)

        sync(batch, minutes=10)

        assert Transaction.objects.get(pk=batch.transaction_id).completed_at == now + timedelta(seconds=5)

    def test_asks_of_the_lost_no_more_after_a_day(self, gateway: Gateway, now: datetime) -> None:
        batch = sync(placed(gateway, now, "lost-contact"), seconds=5)
        assert batch.due_at == now + timedelta(seconds=35)

        batch = sync(batch, hours=24)

        assert (batch.status, batch.due_at) == ("ERROR", None)

    @pytest.mark.parametrize(("is_test", "seconds"), [(True, 5), (False, 60)])
    def test_is_more_patient_with_live_money(self, is_test: bool, seconds: int) -> None:
        assert unreported_limit_of(Gateway(is_test=is_test)) == timedelta(seconds=seconds)


class TestEveryPersona:
    PLAYED = sorted(set(Persona) - {Persona.LOGIN_FAILS, Persona.SESSION_ENDS})

    @pytest.mark.parametrize("persona", PLAYED)
    def test_reaches_what_the_table_of_scenarios_says(self, gateway: Gateway, now: datetime, persona: Persona) -> None:
        batch = placed(gateway, now, persona.value)
        at_first = batch.status
        for seconds in (1, 5, 60, 600):
            batch = sync(batch, seconds=seconds)

        shown = statuses(batch)[-1].replace("UNPLACED", "ERROR")
        expected = PERSONAS[persona]
        assert at_first in {expected.batch, "QUEUED"}  # which nobody is shown
        assert (batch.status, shown) == (expected.final, expected.orders)

    def test_is_in_the_table_of_scenarios(self) -> None:
        assert set(PERSONAS) == set(Persona)


class TestCancelling:
    @pytest.fixture
    def batch(self, gateway: Gateway, now: datetime) -> Batch:
        """INFY rests far below the market; TCS has filled."""
        return sync(placed(gateway, now, securities=FAR_BELOW), seconds=1)

    @pytest.fixture
    def wish(self, batch: Batch, now: datetime) -> Transaction:
        target = {"batchId": batch.batch_id, "ticker": "INFY"}
        wanted = TransactionRequest(
            intent=Intent.CANCEL_ORDER, order_config=target, batch_id=batch.batch_id, ticker="INFY"
        )
        made = create_transaction(gateway=batch.gateway, account=batch.account, request=wanted, now=now)
        log_in(transaction=made, broker="kite", client_id="happy", pin="1234", now=now)
        return confirm(transaction=made, selections=UserSelections(), now=now)

    def test_ends_an_open_order_as_cancelled_by_its_user(self, batch: Batch, wish: Transaction) -> None:
        batch = sync(batch, seconds=1)

        wish.refresh_from_db()
        assert (statuses(batch), batch.status) == (["CANCELLED AMO", "COMPLETE"], "PARTIALLYFILLED")
        assert (wish.status, transaction_status(batch)) == ("COMPLETED", "COMPLETED")

    def test_is_too_late_for_filled_shares(
        self, gateway: Gateway, batch: Batch, wish: Transaction, now: datetime
    ) -> None:
        override_price(gateway=gateway, ticker="INFY", price=Decimal("999.00"), now=now)

        batch = sync(batch, seconds=1)

        wish.refresh_from_db()
        assert (statuses(batch), batch.status) == (["COMPLETE", "COMPLETE"], "COMPLETED")
        assert wish.status == "COMPLETED"

    def test_over_a_broken_link_is_tried_again(self, batch: Batch, wish: Transaction, use: Use) -> None:
        use(CancelsNothing)
        batch = sync(batch, seconds=1)
        wish.refresh_from_db()
        assert (statuses(batch), wish.status) == (["PLACED", "COMPLETE"], "PROCESSING")
        use(SimulatedBroker)

        batch = sync(batch, seconds=1)

        wish.refresh_from_db()
        assert (statuses(batch), wish.status) == (["CANCELLED AMO", "COMPLETE"], "COMPLETED")

    def test_goes_on_reading_the_book_while_it_cannot_be_sent(
        self, gateway: Gateway, batch: Batch, wish: Transaction, use: Use, now: datetime
    ) -> None:
        use(CancelsNothing)
        override_price(gateway=gateway, ticker="INFY", price=Decimal("999.00"), now=now)

        assert statuses(sync(batch, seconds=1)) == ["COMPLETE", "COMPLETE"]

    def test_is_kept_through_an_outage(self, batch: Batch, wish: Transaction, use: Use) -> None:
        use(TellsNothing)
        batch = sync(batch, hours=1)
        wish.refresh_from_db()
        assert (statuses(batch), wish.status) == (["PLACED", "COMPLETE"], "PROCESSING")
        use(SimulatedBroker)

        batch = sync(batch, minutes=1)

        wish.refresh_from_db()
        assert (statuses(batch), wish.status) == (["CANCELLED AMO", "COMPLETE"], "COMPLETED")


class TestASessionThatEnds:
    def test_leaves_resting_orders_placed_and_is_announced_once(
        self, gateway: Gateway, now: datetime, use: Use
    ) -> None:
        batches = [placed(gateway, now, securities=FAR_BELOW) for _ in range(2)]
        use(EndsTheSession)

        waiting = [sync(batch, seconds=1) for batch in batches]

        assert [(one.status, one.due_at, one.session_ended_at is None) for one in waiting] == [
            ("PLACED", None, False)
        ] * 2
        (event,) = Event.objects.filter(type="broker.session_ended")
        assert event.payload["batchIds"] == [batch.batch_id for batch in batches]
        assert event.payload["smallcaseAuthId"] == batches[0].account.auth_id
        assert BrokerSession.objects.get().encrypted_token == ""

    @pytest.mark.parametrize("intent", [Intent.TRANSACTION, Intent.CONNECT])
    def test_is_over_for_all_open_orders_with_the_next_login(
        self, gateway: Gateway, now: datetime, use: Use, intent: Intent
    ) -> None:
        batches = [placed(gateway, now) for _ in range(2)]
        use(EndsTheSession)
        for batch in batches:
            sync(batch, seconds=1)
        use(SimulatedBroker)
        later = make.later(gateway, hours=8)

        made = make.transaction(gateway=gateway, intent=intent, now=later)
        log_in(transaction=made, broker="kite", client_id="happy", pin="1234", now=later)

        assert [sync(batch, seconds=1).status for batch in batches] == ["COMPLETED", "COMPLETED"]

    def test_while_a_login_has_started_another_is_asked_with_that_one(
        self, gateway: Gateway, now: datetime, use: Use
    ) -> None:
        batch = placed(gateway, now)
        use(IsReplaced)

        batch = sync(batch, seconds=1)

        assert (batch.status, batch.session_ended_at, batch.due_at) == ("PLACED", None, now + timedelta(seconds=1))
        assert not Event.objects.filter(type="broker.session_ended").exists()

    def test_that_the_broker_had_dated_is_not_used_any_more(self, gateway: Gateway, now: datetime, use: Use) -> None:
        batch = placed(gateway, now)
        BrokerSession.objects.update(ends_at=now + timedelta(seconds=1))
        use(CountsBooks)
        CountsBooks.read.clear()

        batch = sync(batch, seconds=1)

        assert (batch.status, batch.due_at, CountsBooks.read) == ("PLACED", None, [])
