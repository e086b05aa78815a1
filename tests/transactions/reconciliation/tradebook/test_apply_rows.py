"""What is wanted of a book is applied once, each row by itself where it must be; the rest waits."""

import io
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db.models import F

from gateway.models import AuditEntry, Gateway
from gateway.partners import clock
from tests import make
from tests.invariants.world import broken
from tests.transactions.reconciliation.reconciling import REJECTED, Scene, acting, lost, settled, support
from tests.transactions.reconciliation.tradebook.books import HEADER, exported, line, rows, staged
from transactions.models import Batch, Order, OrderCorrection
from transactions.reconciliation.correct_orders import approve
from transactions.reconciliation.tradebook.apply_rows import BeingApplied, NotWhole, apply_book, want
from transactions.reconciliation.tradebook.discard import Discarded, WasTaken, discard
from transactions.reconciliation.tradebook.models import BookRow, Tradebook
from transactions.reconciliation.tradebook.stage import Upload, stage
from transactions.tasks import sweep_tradebooks
from webhooks.models import Event

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("instruments")]


@pytest.fixture
def gateway() -> Gateway:
    return make.gateway()


@pytest.fixture
def asha() -> User:
    return support()


@pytest.fixture
def scene(gateway: Gateway, now: datetime) -> Scene:
    return lost(gateway, now)


def worked(book: Tradebook) -> Tradebook:
    """A worker takes the message."""
    fresh = Tradebook.objects.get(pk=book.pk)
    apply_book(row=book.pk, attempt=fresh.attempts)
    return Tradebook.objects.get(pk=book.pk)


def states(book: Tradebook) -> dict[str, str]:
    return dict(book.rows.values_list("verdict", "state"))


class TestApplying:
    def test_all_safe_rows_corrects_the_exact_matches(self, scene: Scene, asha: User) -> None:
        book = staged(exported(), by=asha)

        wanted = want(tradebook=book, actor=acting(asha))
        assert (wanted, scene.status()) == (1, "ERROR")

        assert worked(book).due_at is None
        correction = OrderCorrection.objects.get()
        assert (scene.status(), correction.from_tradebook, correction.state) == ("COMPLETED", True, "APPLIED")
        assert states(book) == {"already final": "WAITING", "exact match": "TAKEN"}
        assert correction.reason == f"Tradebook book.csv, no. {book.pk}: line 3."
        assert broken() == {}

    def test_leaves_what_needs_a_person(self, scene: Scene, asha: User) -> None:
        book = staged(HEADER + line(scene.order, 2), by=asha)

        assert want(tradebook=book, actor=acting(asha)) == 0
        assert (worked(book).due_at, scene.status()) == (None, "ERROR")

    def test_a_selected_partial_row_corrects_it_to_partial(self, scene: Scene, asha: User) -> None:
        book = staged(HEADER + line(scene.order, 2), by=asha)

        want(tradebook=book, actor=acting(asha), rows=[rows(book)["partial"].pk])
        worked(book)

        order = scene.fresh()
        assert (order.status, order.filled_quantity, broken()) == ("PARTIAL", 2, {})

    def test_a_selected_zero_fill_corrects_it_to_cancelled(self, scene: Scene, asha: User) -> None:
        first = make.orders(scene.batch)[0]
        book = staged(HEADER + line(first, 10, str(first.average_price)), by=asha)

        want(tradebook=book, actor=acting(asha), rows=[rows(book)["zero-fill"].pk])
        worked(book)

        order = scene.fresh()
        assert (order.status, order.error_code, broken()) == ("CANCELLED", "orderUnmatched", {})

    def test_a_chosen_contradiction_of_a_final_order_is_proposed(self, scene: Scene, asha: User) -> None:
        first, ravi = make.orders(scene.batch)[0], support()
        book = staged(HEADER + line(first, 4, client_id=""), by=asha)

        want(tradebook=book, actor=acting(asha), rows=[rows(book)["contradicts"].pk])
        worked(book)
        proposal = OrderCorrection.objects.get()
        assert (proposal.state, Order.objects.get(pk=first.pk).status) == ("PROPOSED", "COMPLETE")

        approve(correction=proposal, actor=acting(ravi), now=clock.now(scene.batch.gateway))
        assert Order.objects.get(pk=first.pk).status == "PARTIAL"
        assert broken() == {}

    def test_what_can_never_be_applied_is_not_even_when_chosen(self, scene: Scene, asha: User) -> None:
        book = staged(HEADER + line(scene.order, 6), by=asha)

        assert want(tradebook=book, actor=acting(asha), rows=[rows(book)["contradicts"].pk]) == 0

    def test_corrects_the_orders_of_one_batch_with_one_update(
        self, gateway: Gateway, asha: User, now: datetime
    ) -> None:
        scene = lost(gateway, now, client_id="hangs")
        assert [order.status for order in make.orders(scene.batch)] == ["COMPLETE", "COMPLETE"]

        scene = lost(gateway, now)
        Order.objects.filter(batch=scene.batch).update(
            status="ERROR", filled_quantity=0, average_price=None, error_code="adapterError"
        )
        book = staged(exported(*make.orders(scene.batch)), by=asha)
        before = Batch.objects.get(pk=scene.batch.pk).sequence
        want(tradebook=book, actor=acting(asha))
        worked(book)

        told = Event.objects.filter(subject=scene.batch.batch_id, sequence__gt=before).values_list("type", flat=True)
        assert (OrderCorrection.objects.count(), sorted(told)) == (2, ["order.completed", "order.updated"])

    def test_one_that_moved_meanwhile_is_refused_and_holds_up_no_other(
        self, gateway: Gateway, scene: Scene, asha: User, now: datetime
    ) -> None:
        other = lost(gateway, now)
        book = staged(exported(scene.order, other.order), by=asha)
        settled(other.order, REJECTED, by=asha, now=now)

        want(tradebook=book, actor=acting(asha))
        worked(book)

        by_order = {row.order_id: row for row in BookRow.objects.all()}
        assert (by_order[scene.order.pk].state, scene.status()) == ("TAKEN", "COMPLETED")
        assert by_order[other.order.pk].state == "REFUSED"
        assert by_order[other.order.pk].refusal == "TCS: the order is now REJECTED, with 0 filled."

    def test_twice_is_once(self, scene: Scene, asha: User) -> None:
        book = staged(exported(), by=asha)
        want(tradebook=book, actor=acting(asha))
        attempt = Tradebook.objects.get().attempts

        for _ in range(2):
            apply_book(row=book.pk, attempt=attempt)
        assert want(tradebook=book, actor=acting(asha)) == 0

        assert (OrderCorrection.objects.count(), Event.objects.filter(type="order.completed").count()) == (1, 1)

    def test_continues_where_a_worker_died(self, scene: Scene, asha: User) -> None:
        book = staged(exported(), by=asha)
        want(tradebook=book, actor=acting(asha))
        died = timedelta(minutes=2)
        Tradebook.objects.update(attempts=F("attempts") + 1, leased_until=clock.wall() - died)
        make.later(scene.order.batch.gateway, seconds=60)  # a book has no gateway whose clock it could follow

        assert sweep_tradebooks() == 1
        worked(book)

        assert scene.status() == "COMPLETED"

    def test_of_the_same_book_again_finds_duplicates(self, scene: Scene, asha: User) -> None:
        text = exported(scene.order)
        first = staged(text, by=asha)
        want(tradebook=first, actor=acting(asha))
        worked(first)

        assert staged(text, by=asha).verdicts == {"duplicate": 1}

    def test_above_the_amount_proposes(self, scene: Scene, asha: User, settings: Any) -> None:
        settings.RECONCILE_FOUR_EYES_ABOVE = 0
        book = staged(exported(), by=asha)

        want(tradebook=book, actor=acting(asha))
        worked(book)

        assert (OrderCorrection.objects.get().state, scene.status()) == ("PROPOSED", "ERROR")

    def test_is_not_for_a_book_whose_staging_died(self, scene: Scene, asha: User) -> None:
        book = staged(exported(), by=asha)
        Tradebook.objects.update(staged_at=None)
        book.refresh_from_db()

        with pytest.raises(NotWhole):
            want(tradebook=book, actor=acting(asha))

        assert states(book)["exact match"] == "WAITING"

    def test_is_one_persons_at_a_time(self, scene: Scene, asha: User) -> None:
        """Otherwise the rows of one batch would be corrected together in the name of one of the two people."""
        first, ravi = make.orders(scene.batch)[0], support()
        book = staged(HEADER + line(first, 4) + line(scene.order, 5), by=asha)
        want(tradebook=book, actor=acting(asha))

        with pytest.raises(BeingApplied):
            want(tradebook=book, actor=acting(ravi), rows=[rows(book)["contradicts"].pk])
        worked(book)
        assert want(tradebook=book, actor=acting(ravi), rows=[rows(book)["contradicts"].pk]) == 1
        worked(book)

        said = dict(OrderCorrection.objects.values_list("order", "proposed_by"))
        assert said == {scene.order.pk: asha.pk, first.pk: ravi.pk}

    @pytest.mark.parametrize("lost_is", ["the user", "the permission"])
    def test_by_a_person_without_permission_corrects_nothing(self, scene: Scene, asha: User, lost_is: str) -> None:
        book = staged(exported(scene.order), by=asha)
        want(tradebook=book, actor=acting(asha))
        if lost_is == "the user":
            User.objects.filter(pk=asha.pk).update(is_active=False)
        else:
            asha.user_permissions.clear()

        assert worked(book).due_at is None

        assert (states(book), scene.status()) == ({"exact match": "REFUSED"}, "ERROR")
        assert not OrderCorrection.objects.exists()

    def test_is_in_the_audit_trail_by_name(self, scene: Scene, asha: User) -> None:
        book = staged(exported(), by=asha)
        want(tradebook=book, actor=acting(asha))
        worked(book)

        assert list(AuditEntry.objects.order_by("number").values_list("act", "by_name", "address")) == [
            ("apply tradebook", asha.username, "192.0.2.7"),
            ("correct order", asha.username, "192.0.2.7"),
        ]


class TestDiscarding:
    def test_leaves_no_trace(self, scene: Scene, asha: User) -> None:
        discard(tradebook=staged(exported(), by=asha))

        assert (Tradebook.objects.count(), BookRow.objects.count()) == (0, 0)

    def test_by_a_person_is_recorded_as_the_staging_was(self, scene: Scene, asha: User) -> None:
        book = stage(
            io.BytesIO(exported().encode()),
            upload=Upload("book.csv", "kite", asha),
            now=clock.wall(),
            actor=acting(asha),
        )
        discard(tradebook=book, actor=acting(asha))

        acts = AuditEntry.objects.order_by("number").values_list("act", "subject", "by_name")
        assert list(acts) == [
            (f"{act} tradebook", f"tradebook {book.pk}", asha.username) for act in ("stage", "discard")
        ]

    def test_twice_is_refused_and_nothing_of_it_is_wanted_any_more(self, scene: Scene, asha: User) -> None:
        book = staged(exported(), by=asha)
        discard(tradebook=book)

        with pytest.raises(Discarded):
            discard(tradebook=book)
        with pytest.raises(Discarded):
            want(tradebook=book, actor=acting(asha))

    def test_is_refused_once_something_was_taken(self, scene: Scene, asha: User) -> None:
        book = staged(exported(), by=asha)
        want(tradebook=book, actor=acting(asha))

        with pytest.raises(WasTaken):
            discard(tradebook=book)

        assert BookRow.objects.count() == 2
