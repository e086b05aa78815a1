"""`manage.py doctor`: what it prints, how it ends, and that it looks at one moment and touches nothing."""

import json
import threading
from collections.abc import Callable

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, connections

from gateway.database.consistent_snapshot import consistent_snapshot
from gateway.models import Gateway
from gateway.monitoring.contributions import invariants
from gateway.monitoring.invariant_checks import SHOWN
from gateway.partners import clock
from tests import make
from transactions.models import Batch, Order

pytestmark = pytest.mark.django_db(transaction=True)
DOCUMENT = settings.BASE_DIR / "docs" / "doctor.md"
Captured = pytest.CaptureFixture[str]


@pytest.fixture
def gateway(instruments: None) -> Gateway:
    return make.gateway()


@pytest.fixture
def batch(gateway: Gateway) -> Batch:
    """Confirmed; its status says that it is placed, which it is not."""
    made = make.queued_batch(gateway=gateway, now=clock.wall())
    Batch.objects.filter(pk=made.pk).update(status="PLACED", placed_at=clock.wall())
    return made


def doctor(*arguments: str) -> int:
    """The exit code."""
    try:
        call_command("doctor", *arguments)
    except SystemExit as ending:
        return int(ending.code or 0)
    return 0


class TestASoundGateway:
    def test_is_a_table_of_zeros(self, gateway: Gateway, capsys: Captured) -> None:
        make.queued_batch(gateway=gateway, now=clock.wall())

        assert doctor() == 0

        said = capsys.readouterr().out
        lines = [line.split("│")[1:-1] for line in said.splitlines() if line.startswith("│")]
        asked = [(app, one.name) for app, one in invariants() if not one.at_rest]
        assert [(app.strip(), name.strip()) for app, name, _ in lines] == asked
        assert {zero.strip() for *_, zero in lines} == {"0"}
        assert said.splitlines()[-1] == "All invariants hold."

    def test_is_not_settled_while_something_is_open(self, gateway: Gateway, capsys: Captured) -> None:
        make.queued_batch(gateway=gateway, now=clock.wall())

        assert doctor("--settled") == 1

        assert "every_transaction_has_ended: 1 offenders" in capsys.readouterr().out


class TestABrokenOne:
    def test_is_explained(self, batch: Batch, capsys: Captured) -> None:
        assert doctor() == 1

        said = capsys.readouterr().out
        told = said[said.index("a_batch_aggregates_its_orders: ") :].splitlines()
        assert told[0] == "a_batch_aggregates_its_orders: 1 offenders"
        assert told[1].startswith("  What must be true: A batch's status is the aggregate of its orders'")
        assert told[2].startswith("  What to do: ")
        assert told[3] == f"  - batch_id {batch.batch_id}, status PLACED, fold QUEUED"
        assert told[-1] == f"1 of {sum(not one.at_rest for _, one in invariants())} invariants are broken."

    def test_is_one_json_object(self, batch: Batch, capsys: Captured) -> None:
        assert doctor("--json") == 1

        told = json.loads(capsys.readouterr().out)
        assert (told["healthy"], told["gateway"]) == (False, None)
        (broken,) = [one for one in told["invariants"] if one["offenders"]]
        assert (broken["app"], broken["name"]) == ("transactions", "a_batch_aggregates_its_orders")
        assert broken["first"] == [{"batch_id": batch.batch_id, "status": "PLACED", "fold": "QUEUED"}]
        assert set(broken) == {"app", "name", "means", "offenders", "first", "remedy"}

    def test_shows_the_first_and_counts_the_rest(self, batch: Batch, capsys: Captured) -> None:
        first = batch.orders.all()[0]
        Order.objects.bulk_create(
            Order(
                batch=batch, position=10 + n, ticker="INFY", side="BUY", quantity=1, ordered_at=first.batch.created_at
            )
            for n in range(SHOWN + 5)
        )

        assert doctor() == 1

        said = capsys.readouterr().out
        assert f"an_order_agrees_with_its_status: {SHOWN + 5} offenders" in said
        assert "  … and 5 more" in said


class TestOneGateway:
    def test_is_looked_at_by_itself(self, batch: Batch) -> None:
        other = make.gateway()

        assert doctor("--gateway", batch.gateway.name) == 1
        assert doctor("--gateway", other.name) == 0

    def test_has_to_be_there(self, gateway: Gateway) -> None:
        with pytest.raises(CommandError, match=r"There is no gateway named nobody\."):
            call_command("doctor", "--gateway", "nobody")


class TestConsistentSnapshot:
    @pytest.mark.servers  # in memory, SQLite's tables are locked for all but one
    def test_sees_nothing_that_comes_later(self, gateway: Gateway) -> None:
        with consistent_snapshot():
            before = Gateway.objects.count()
            elsewhere(make.gateway)
            during = Gateway.objects.count()

        assert (before, during, Gateway.objects.count()) == (1, 1, 2)

    def test_writes_nothing(self, gateway: Gateway) -> None:
        with pytest.raises(DatabaseError), consistent_snapshot():
            Gateway.objects.update(name="another")

        assert Gateway.objects.get().name == gateway.name

    def test_leaves_a_connection_that_writes_again(self, gateway: Gateway) -> None:
        with consistent_snapshot():
            Gateway.objects.count()

        Gateway.objects.update(name="another")

        assert Gateway.objects.get().name == "another"
        assert connection.get_autocommit()


def elsewhere(act: Callable[[], object]) -> None:
    """On a connection of its own, as another process would."""

    def work() -> None:
        try:
            act()
        finally:
            connections.close_all()

    other = threading.Thread(target=work)
    other.start()
    other.join(10)
    assert not other.is_alive()


class TestTheDocument:
    def test_lists_what_the_doctor_asks(self) -> None:
        told = [line for line in DOCUMENT.read_text().splitlines() if line.startswith("| ") and "`" in line]

        asked = sorted(invariants(), key=lambda pair: pair[1].at_rest)
        assert told == [f"| {app} | `{one.name}` | {one.means} |" for app, one in asked]
