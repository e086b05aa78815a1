"""Orders that arrive while another is written, on PostgreSQL: each thread has its own connection."""

import time
from datetime import datetime, timedelta
from threading import Thread

import pytest
from django.db import connection

from brokers.ports.broker import (
    Broker,
    LiveSession,
    NewOrder,
    OrderType,
    Refused,
    SessionEnded,
    Side,
    Unreachable,
    Validity,
    Variety,
)
from brokers.simulator import order_entry
from brokers.simulator.models import SimAccount, SimOrder
from tests.brokers.simulator.conftest import Enter

pytestmark = [pytest.mark.servers, pytest.mark.django_db(transaction=True)]


def new(ref: str) -> NewOrder:
    return NewOrder(ref, "INFY", Side.BUY, 1, OrderType.MARKET, Variety.REGULAR, Validity.DAY, None, None)


class TestOrdersThatWaitTogether:
    def test_are_one_statement_and_each_call_has_its_own_answer(
        self, enter: Enter, broker: Broker, now: datetime
    ) -> None:
        happy, other, ended = enter(), enter("happy-2"), enter("happy-3")
        refused, lost, unknown = enter("broker-down"), enter("deaf"), enter("happy-4")
        SimAccount.objects.filter(client_id="happy-3").update(sessions_ended_until=now + timedelta(days=9_999))
        SimAccount.objects.filter(client_id="happy-4").delete()
        calls = [(happy, "1"), (happy, "2"), (happy, "1"), (other, "3"), (ended, "4"), (refused, "5"), (lost, "6")]

        answers = placed_together(broker, [*calls, (unknown, "7")], now)

        assert answers == [
            *["SIM-1", "SIM-2", "SIM-1", "SIM-3"],
            *[SessionEnded, Refused, Unreachable, SimAccount.DoesNotExist],
        ]
        assert sorted(SimOrder.objects.values_list("ref", "account__client_id")) == [
            ("1", "happy"),
            ("2", "happy"),
            ("3", "happy-2"),
        ]
        assert number_of_statements() == 1

    def test_do_not_count_as_placed_if_their_statement_fails(self, enter: Enter, broker: Broker, now: datetime) -> None:
        too_long = "x" * 25

        answers = placed_together(broker, [(enter(), too_long), (enter("happy-2"), "1")], now)

        assert all(isinstance(answer, type) and issubclass(answer, Exception) for answer in answers), answers
        assert not SimOrder.objects.exists()


def placed_together(broker: Broker, calls: list[tuple[LiveSession, str]], now: datetime) -> list[object]:
    """The broker's order id, or the class of the exception, of calls that all wait for the same turn."""
    answers: list[object] = [None] * len(calls)

    def place(number: int, session: LiveSession, ref: str) -> None:
        try:
            answers[number] = broker.place(session, new(ref), now=now).broker_order_id
        except Exception as error:  # noqa: BLE001 - each is an answer
            answers[number] = type(error)
        finally:
            connection.close()

    threads = [Thread(target=place, args=(number, *call)) for number, call in enumerate(calls)]
    desk = order_entry._desks.setdefault((calls[0][0].gateway, "kite"), order_entry.Desk())
    with desk.turn:
        for thread in threads:
            thread.start()
        until = time.monotonic() + 10
        while len(desk.waiting) < len(calls) and time.monotonic() < until:
            time.sleep(0.01)
    for thread in threads:
        thread.join()
    return answers


def number_of_statements() -> int:
    """Rows of one statement have the same transaction id."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT COUNT(DISTINCT xmin::text) FROM simulator_simorder")
        return int(cursor.fetchone()[0])
