"""Each statement finds what the equivalent queryset finds."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest
from django.db.models import Exists, OuterRef, Q
from django.db.transaction import atomic

from gateway.models import Gateway
from gateway.partners import clock
from gateway.queue import leases
from tests import make
from tests.make import awaiting_placement, needs_polling
from tests.same_rows import loaded, same
from transactions import sql
from transactions.models import Batch, Order, Transaction

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("instruments")]
SHOWN = ["batch_id", "variety", "label", "original_label", "iscid", "version", "status", "completed_at"]


@pytest.fixture
def batches(now: datetime) -> list[Batch]:
    """Of two gateways, the second a day ahead: placed, queued, completed, of a smallcase, leased, not due."""
    here, ahead = make.gateway(), make.gateway()
    clock.advance(ahead, by=timedelta(days=1))
    smallcase = make.smallcase()
    made = [
        make.queued_batch(gateway=gateway, client_id=f"user-{number}", now=now)
        for gateway in (here, ahead)
        for number in range(4)
    ]
    for batch in (made[0], made[1], made[4]):
        make.placed(batch)
    Transaction.objects.filter(batch=made[0]).update(status="COMPLETED", completed_at=now, notes="a note")
    of_smallcase = {"label": "BUY", "original_label": "BUY", "version": smallcase.versions.get()}
    Batch.objects.filter(pk=made[1].pk).update(iscid="a" * 24, **of_smallcase)
    Batch.objects.filter(pk=made[2].pk).update(leased_until=now + timedelta(minutes=9))
    Batch.objects.filter(pk=made[3].pk).update(due_at=now + timedelta(hours=1))
    Batch.objects.filter(pk=made[5].pk).update(due_at=now + timedelta(hours=1), attempts=7)
    Batch.objects.filter(pk=made[6].pk).update(due_at=now + timedelta(days=2))
    return list(Batch.objects.order_by("pk"))


@pytest.fixture
def gateways(batches: list[Batch]) -> list[Gateway]:
    return list(Gateway.objects.order_by("pk"))


class TestInsertIfTradable:
    @pytest.mark.parametrize(("symbols", "is_written"), [(["INFY", "TCS"], True), (["INFY", "NOSUCH"], False)])
    def test_writes_the_row_that_save_would(self, now: datetime, symbols: list[str], is_written: bool) -> None:
        new = Transaction(
            gateway=make.gateway(), intent="TRANSACTION", config={"a": ["%s"]}, **moments(now), notes="it's"
        )

        assert sql.insert_if_tradable(new, symbols) is is_written

        assert [loaded(one) for one in Transaction.objects.all()] == [loaded(fresh(new))] * is_written


def moments(now: datetime) -> dict[str, datetime]:
    return {"expires_at": now, "created_at": now, "updated_at": now}


def fresh(new: Transaction) -> Transaction:
    """As it is read again; all its fields without the relations."""
    return Transaction(**{one.attname: getattr(new, one.attname) for one in Transaction._meta.concrete_fields})


class TestATransaction:
    def test_comes_with_its_batch_as_the_querysets_do(self, gateways: list[Gateway], now: datetime) -> None:
        make.transaction(gateway=gateways[0], now=now)  # a guest's
        for one in Transaction.objects.all():
            found, batch = sql.transaction_and_batch(one.gateway_id, one.transaction_id)
            account = found and found.account

            assert loaded(found) == loaded(one)
            assert loaded(batch) == loaded(Batch.objects.only("transaction", *SHOWN).filter(transaction=one).first())
            assert (account and (account.pk, account.auth_id, account.broker)) == (
                one.account and (one.account.pk, one.account.auth_id, one.account.broker)
            )
            assert batch is None or batch.transaction is found

    def test_of_another_gateway_is_none(self, gateways: list[Gateway]) -> None:
        theirs = Transaction.objects.filter(gateway=gateways[1])[0].transaction_id

        assert sql.transaction_and_batch(gateways[0].pk, theirs) == (None, None)


class TestOrders:
    def test_are_the_querysets(self, batches: list[Batch]) -> None:
        keys = [batches[4].pk, batches[0].pk]
        rows = Order.objects.filter(batch__in=keys).order_by("batch", "position")

        assert same(sql.orders_of(keys), rows)
        assert [order.pk for order in sql.shown_orders_of(keys)] == [order.pk for order in rows]
        assert sql.orders_of([]) == []

    def test_are_shown_with_the_same_values(self, batches: list[Batch]) -> None:
        full = {order.pk: loaded(order) or {} for order in sql.orders_of([batches[0].pk])}

        for order in sql.shown_orders_of([batches[0].pk]):
            assert (loaded(order) or {}).items() <= full[order.pk].items()


class TestPlacedBatches:
    @pytest.mark.parametrize("of_smallcases", [False, True])
    @pytest.mark.parametrize("names", [(), (0,), (1,), (2,), (0, 1, 2)])
    @pytest.mark.parametrize("of_account", [False, True])
    def test_are_the_querysets(
        self, batches: list[Batch], of_smallcases: bool, names: Sequence[int], of_account: bool
    ) -> None:
        for gateway in Gateway.objects.all():
            ids = [
                list(Transaction.objects.values_list("transaction_id", flat=True)) if 0 in names else [],
                [batch.batch_id for batch in batches[1::3]] if 1 in names else [],
                ["a" * 24] if 2 in names else [],
            ]
            account = batches[0].account_id if of_account else None
            named = Q(transaction__transaction_id__in=ids[0], transaction__status="COMPLETED")
            named |= Q(batch_id__in=ids[1]) | Q(iscid__in=ids[2])
            rows = Batch.objects.filter(gateway=gateway, label__isnull=not of_smallcases, placed_at__isnull=False)
            rows = rows.filter(named) if names else rows
            rows = (rows.filter(account=account) if account else rows).select_related("transaction", "account")

            found = sql.placed_batches(
                gateway=gateway.pk,
                account=account,
                of_smallcases=of_smallcases,
                transaction_ids=ids[0],
                batch_ids=ids[1],
                iscids=ids[2],
                page=range(9),
            )

            expected = list(rows.order_by("-pk"))
            assert [one.pk for one in found] == [one.pk for one in expected]
            assert list(map(seen, found)) == list(map(seen, expected))

    def test_come_a_page_at_a_time(self, batches: list[Batch]) -> None:
        def page(of: range) -> list[int]:
            ids = {"transaction_ids": (), "batch_ids": (), "iscids": ()}
            found = sql.placed_batches(gateway=batches[0].gateway_id, account=None, of_smallcases=False, page=of, **ids)
            return [one.pk for one in found]

        make.placed(batches[3])
        make.placed(batches[2])

        placed = [batches[place].pk for place in (3, 2, 0)]
        assert [page(range(2)), page(range(2, 4)), page(range(9, 10))] == [placed[:2], placed[2:], []]


def seen(batch: Batch) -> tuple[object, ...]:
    transaction = batch.transaction
    assert transaction.account
    told = (transaction.pk, transaction.transaction_id, transaction.notes, transaction.account.broker)
    return (*told, batch.account.broker, *(getattr(batch, name) for name in SHOWN))


class TestDueBatches:
    @pytest.mark.parametrize("is_queued", [True, False])
    def test_are_the_querysets(self, batches: list[Batch], is_queued: bool) -> None:
        rows = awaiting_placement() if is_queued else needs_polling()
        clocks = list(clock.clocks())
        expected = leases.due(rows, clocks).values_list("pk", "gateway", "account__broker")

        found = sql.due_batches(is_queued=is_queued, clocks=clocks, limit=99)

        assert sorted(found) == sorted((pk, (gateway, broker)) for pk, gateway, broker in expected) != []

    def test_come_the_longest_due_first_to_the_limit(self, batches: list[Batch], now: datetime) -> None:
        for place, minutes in ((7, 3), (5, 2)):
            Batch.objects.filter(pk=batches[place].pk).update(due_at=now - timedelta(minutes=minutes))

        found = sql.due_batches(is_queued=True, clocks=clock.clocks(), limit=2)

        assert [pk for pk, _ in found] == [batches[7].pk, batches[5].pk]


class TestDueLinks:
    @pytest.fixture
    def worldwide(self, batches: list[Batch], now: datetime) -> list[Batch]:
        """More links: other brokers, other gateways, clocks that are ahead; leased and future batches among them."""
        others = [make.gateway(), make.gateway()]
        make.later(others[1], seconds=3600)
        moves = {1: ("dhan", others[0]), 2: ("zzz", others[1]), 5: ("aaa", others[1]), 6: ("kite", others[0])}
        for place, (broker, gateway) in moves.items():
            Batch.objects.filter(pk=batches[place].pk).update(broker=broker, gateway=gateway)
        Batch.objects.filter(pk=batches[5].pk).update(due_at=now + timedelta(minutes=30))
        Batch.objects.filter(pk=batches[6].pk).update(leased_until=now + timedelta(hours=9))
        return batches

    @pytest.mark.parametrize("is_queued", [True, False])
    def test_are_the_querysets(self, worldwide: list[Batch], is_queued: bool) -> None:
        clocks = list(clock.clocks())
        rows = leases.due(awaiting_placement() if is_queued else needs_polling(), clocks)

        found = sql.due_links(is_queued=is_queued, clocks=clocks)

        assert sorted(found) == sorted(set(rows.values_list("gateway", "broker"))) != []

    @pytest.mark.parametrize("is_queued", [True, False])
    def test_have_the_due_batches_of_the_querysets(self, worldwide: list[Batch], is_queued: bool) -> None:
        clocks = dict(clock.clocks())
        rows = leases.due(awaiting_placement() if is_queued else needs_polling(), clocks.items())

        for link in sql.due_links(is_queued=is_queued, clocks=clocks.items()):
            now = clocks.get(link[0], clocks[None])
            found = sql.due_batches_of(link, is_queued=is_queued, now=now, wall=clocks[None], limit=2)

            due = rows.filter(gateway=link[0], broker=link[1]).order_by("due_at").values_list("due_at", flat=True)
            assert list(due.filter(pk__in=found)) == list(due)[:2] != []

    def test_are_none_where_nothing_waits(self, db: None) -> None:
        assert sql.due_links(is_queued=True, clocks=clock.clocks()) == []


class TestClaimableBatches:
    @pytest.mark.parametrize("is_queued", [True, False])
    def test_are_the_querysets(self, batches: list[Batch], is_queued: bool) -> None:
        keys, wall = [batch.pk for batch in batches[1:]][::-1], clock.wall()
        rows = awaiting_placement() if is_queued else needs_polling()
        owed = rows.filter(pk__in=keys, due_at__isnull=False, leased_until__lte=wall).order_by("pk")

        with atomic():
            found = sql.claimable_batches(keys, is_queued=is_queued, wall=wall)

        assert same(found, owed.only("attempts", "leased_until"))


class TestBatchesOf:
    def test_are_the_querysets_with_what_surrounds_them(self, batches: list[Batch]) -> None:
        related = ("gateway", "transaction", "account")
        rows = Batch.objects.select_related(*related).order_by("pk")

        found = sql.batches_of([batch.pk for batch in batches][::-1])

        assert same(found, rows)
        for name in related:
            assert same((getattr(one, name) for one in found), (getattr(one, name) for one in rows))


class TestFencingTokens:
    def test_are_the_querysets(self, batches: list[Batch]) -> None:
        with atomic():
            found = sql.fencing_tokens([batches[5].pk, batches[0].pk, 999_999])

        rows = Batch.objects.filter(pk__in=[batches[5].pk, batches[0].pk])
        assert found == dict(rows.values_list("pk", "attempts"))
        assert found[batches[5].pk] == 7


class TestLastBatches:
    def test_are_the_querysets(self, batches: list[Batch]) -> None:
        older, newer, alone = batches[0], batches[1], batches[4]
        of_smallcase = {"label": "FIX", "original_label": "BUY", "version": newer.version, "status": "UNFILLED"}
        Batch.objects.filter(pk=older.pk).update(iscid=newer.iscid, **of_smallcase)
        Batch.objects.filter(pk=alone.pk).update(iscid="b" * 24, **of_smallcase)
        iscids = [newer.iscid or "", "b" * 24, "c" * 24]
        later = Batch.objects.filter(iscid=OuterRef("iscid"), pk__gt=OuterRef("pk"))

        found = sorted(sql.last_batches(iscids), key=lambda one: one.pk)

        assert same(found, Batch.objects.filter(~Exists(later), iscid__in=iscids).order_by("pk"))
        assert [one.pk for one in found] == [newer.pk, alone.pk]


class TestFilledOrdersBeside:
    def test_finds_what_the_querysets_find(self, batches: list[Batch], now: datetime) -> None:
        Order.objects.filter(ticker="INFY", status="PLACED").update(filled_quantity=1, average_price=1)
        orders = Order.objects.filter(batch=batches[0])
        day = timedelta(days=1)

        found = sql.filled_orders_beside(
            orders=[order.pk for order in orders],
            batches=[batches[0].pk],
            tickers=["INFY", "TCS"],
            confirmed=(now - day, now + day),
        )

        of_account = Order.objects.filter(batch__account=batches[0].account, batch__created_at__lt=now + day)
        expected = of_account.filter(Q(filled_quantity__gt=0) | Q(batch=batches[0])).order_by("pk")
        assert [order.pk for *_, order in found] == [order.pk for order in expected]
        assert {(account, broker, charged_as) for account, broker, charged_as, _ in found} == {
            (batches[0].account_id, "kite", "SHARE")
        }

    def test_asks_nothing_without_orders(self) -> None:
        assert sql.filled_orders_beside(orders=[], batches=[], tickers=[], confirmed=(clock.wall(), clock.wall())) == []
