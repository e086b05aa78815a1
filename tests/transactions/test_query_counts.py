"""What the hot paths cost in SQL statements; transaction brackets (BEGIN, SAVEPOINT, COMMIT) are none."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from brokers.models import Instrument
from brokers.ports.broker import Side
from gateway.models import Gateway
from gateway.partners.credentials import Credentials
from tests import make
from tests.partner import Partner
from transactions.domain.basket import Security
from transactions.execution import placement
from transactions.models import Batch
from webhooks.delivery.endpoints import add_endpoint
from webhooks.models import Event

BRACKETS: Final = ("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE", "ROLLBACK")


def symbols(count: int) -> list[str]:
    return list(Instrument.objects.order_by("symbol").values_list("symbol", flat=True)[:count])


def basket(count: int) -> list[dict[str, object]]:
    return [{"ticker": symbol, "quantity": 1, "type": "BUY"} for symbol in symbols(count)]


def connected(partner: Partner) -> str:
    """The smallcaseAuthId of a user who has logged in once."""
    made = partner.create()
    partner.complete(made)
    return str(partner.details(made)["smallcaseAuthId"])


def completed(partner: Partner, *, securities: int) -> tuple[str, str]:
    """transactionId and batchId of a basket that has filled."""
    made = partner.create(basket(securities))
    (batch,) = partner.complete(made).data["orderBatches"]
    partner.advance("PT10S")
    make.sweep()
    return made, str(batch["batchId"])


@dataclass
class Statements:
    sent: list[str] = field(default_factory=list)

    def assert_at_most(self, limit: int) -> None:
        listing = "\n".join(f"{number:3} {sql[:300]}" for number, sql in enumerate(self.sent, start=1))
        assert len(self.sent) <= limit, f"{len(self.sent)} statements, {limit} allowed:\n{listing}"


@contextmanager
def counting(into: Statements) -> Iterator[None]:
    with CaptureQueriesContext(connection) as captured:
        yield
    into.sent += [query["sql"] for query in captured if not query["sql"].startswith(BRACKETS)]


@contextmanager
def at_most(limit: int) -> Iterator[None]:
    statements = Statements()
    with counting(statements):
        yield
    statements.assert_at_most(limit)


class TestCreatingATransaction:
    def test_costs_a_guest_two(self, partner: Partner) -> None:
        with at_most(2):
            partner.create()

    def test_costs_a_connected_user_two(self, partner: Partner) -> None:
        auth_id = connected(partner)

        with at_most(2):
            partner.create(auth_id=auth_id)

    def test_of_a_hundred_securities_costs_two(self, partner: Partner) -> None:
        wanted = basket(100)

        with at_most(2):
            partner.create(wanted)

    def test_costs_two_more_with_a_key_and_three_when_replayed(self, partner: Partner) -> None:
        body = {"intent": "TRANSACTION", "orderConfig": {"type": "SECURITIES", "securities": basket(2)}}
        headers = partner.headers(**{"Idempotency-Key": "counted"})

        with at_most(4):
            first = partner.call("POST", "/gateway/{gateway}/transaction", body, headers=headers)
        with at_most(3):  # who calls, the INSERT that finds the key taken, the stored answer
            again = partner.call("POST", "/gateway/{gateway}/transaction", body, headers=headers)

        assert (first.status, again.body) == (200, first.body)


class TestReadingATransaction:
    def test_costs_four_once_it_is_completed(self, partner: Partner) -> None:
        made, _ = completed(partner, securities=100)

        with at_most(4):
            details = partner.details(made)

        assert details["status"] == "COMPLETED"
        assert details["success"]["orderBatches"][0]["filled"] == 100

    def test_costs_a_connected_user_four(self, partner: Partner) -> None:
        made, _ = completed(partner, securities=1)
        auth_id = str(partner.details(made)["smallcaseAuthId"])

        with at_most(4):
            partner.details(made, auth_id=auth_id)


class TestReadingOrders:
    @pytest.mark.parametrize("securities", [1, 100])
    def test_by_transaction_costs_four(self, partner: Partner, securities: int) -> None:
        made, _ = completed(partner, securities=securities)

        with at_most(4):
            (batch,) = partner.batches(transactionId=made)

        assert (batch["status"], len(batch["orders"])) == ("COMPLETED", securities)

    @pytest.mark.parametrize("securities", [1, 100])
    def test_by_batch_costs_four(self, partner: Partner, securities: int) -> None:
        _, batch_id = completed(partner, securities=securities)

        with at_most(4):
            (batch,) = partner.batches(batchId=batch_id)

        assert (batch["status"], len(batch["orders"])) == ("COMPLETED", securities)

    def test_of_many_batches_costs_four(self, partner: Partner) -> None:
        made = [completed(partner, securities=2)[0] for _ in range(5)]

        with at_most(4):
            batches = partner.batches(transactionId=made)

        assert len(batches) == 5


@pytest.mark.servers  # on SQLite a hundred rows do not fit into one statement
@pytest.mark.usefixtures("transactional_db")
class TestExecutingABasketOfAHundred:
    @pytest.mark.parametrize("side", [Side.BUY, Side.SELL])
    def test_costs_six_an_order_and_thirty_three_with_one_call_at_a_time(
        self, credentials: Credentials, monkeypatch: pytest.MonkeyPatch, side: Side
    ) -> None:
        """A check of the fencing token and a write before each call, and four statements of the simulated broker.

        It reads faults, accounts and halts, and writes, once for all calls that are in flight.
        """
        monkeypatch.setattr(placement, "RUN_SECONDS", 60)

        statements = self.executed(credentials.gateway, baskets=1, side=side)

        statements.assert_at_most(33 + 6 * 100)

    def test_in_a_set_costs_what_its_broker_asks(
        self, credentials: Credentials, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The simulated broker's own books are read and written for each account: nine statements, two of
        which lock it."""
        monkeypatch.setattr(placement, "RUN_SECONDS", 60)

        statements = self.executed(credentials.gateway, baskets=3, side=Side.BUY)

        statements.assert_at_most(33 + 6 * 300 + 2 * 11 + 2 * 12)

    def executed(self, here: Gateway, *, baskets: int, side: Side) -> Statements:
        add_endpoint(gateway=here, url="http://127.0.0.1:9/hooks", now=here.created_at)
        securities = [Security(symbol, 1, side) for symbol in symbols(100)]
        rows = [
            make.queued_batch(gateway=here, securities=securities, client_id=f"user-{n}", now=here.created_at).pk
            for n in range(baskets)
        ]
        statements = Statements()
        with counting(statements):
            make.work_on(rows)
        make.later(here, seconds=10)
        with counting(statements):
            make.work_on(rows)
        assert list(Batch.objects.values_list("status", flat=True)) == ["COMPLETED"] * baskets
        kinds = Event.objects.filter(gateway=here).order_by("sequence").values_list("type", flat=True)
        assert list(kinds) == ["order.placed"] * baskets + ["order.completed"] * baskets
        return statements
