"""The desk through HTTP: who may do what, what is shown, and that nothing happens before it is confirmed."""

import re
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from brokers.ports.broker import Side
from gateway.models import AuditEntry, Gateway
from tests import make
from tests.transactions.reconciliation.reconciling import REJECTED, Scene, complete, lost, settled, support
from tests.transactions.reconciliation.tradebook.books import exported
from transactions.domain.basket import Security
from transactions.models import Batch, Order, OrderCorrection
from transactions.reconciliation.tradebook.apply_rows import apply_book
from transactions.reconciliation.tradebook.models import BookRow, Tradebook

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("instruments")]
DESK = "/admin/transactions/ordercorrection/desk/"
WISH = {
    "status": "COMPLETE",
    "filled_quantity": "5",
    "average_price": "3000",
    "exchange_order_id": "1100000000000001",
    "error_code": "",
    "reason": "The client's contract note.",
}


def browser(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


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
def desk(asha: User) -> Client:
    return browser(asha)


def text(response: Any) -> str:
    return re.sub(r"\s+", " ", response.content.decode())


def hidden(response: Any) -> dict[str, str]:
    return {**WISH, "seen": re.search(r'name="seen" value="([^"]+)"', response.content.decode())[1]}  # type: ignore[index]


class TestTheQueue:
    def test_shows_orders_in_error_with_known_facts(self, desk: Client, scene: Scene) -> None:
        shown = text(desk.get(DESK))

        assert f"{DESK}orders/{scene.order.pk}/" in shown
        assert ("kite" in shown, "lost-contact" in shown, scene.batch.gateway.name in shown) == (True, True, True)

    @pytest.mark.parametrize(
        ("query", "is_shown"),
        [
            ("broker=kite", True),
            ("broker=groww", False),
            ("gateway=nobody", False),
            ("after=x", True),
            ("after=99999999999", False),
            ("broker=nonsense&after=-1", True),
        ],
    )
    def test_can_be_narrowed(self, desk: Client, scene: Scene, query: str, is_shown: bool) -> None:
        assert (f"orders/{scene.order.pk}/" in text(desk.get(f"{DESK}?{query}"))) is is_shown

    def test_costs_the_same_for_many_as_for_few(self, desk: Client, gateway: Gateway, now: datetime) -> None:
        lost(gateway, now)
        costs = []
        for _ in range(2):
            with CaptureQueriesContext(connection) as asked:
                desk.get(DESK)
            costs.append(len(asked))
            for n in range(3):
                lost(gateway, now, client_id=f"lost-contact-{n}")

        assert costs[0] == costs[1] <= 10

    def test_does_not_count_and_goes_on_page_by_page(
        self, desk: Client, gateway: Gateway, now: datetime, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("transactions.reconciliation.desk.desk_queue.PAGE", 1)
        first, second = (lost(gateway, now, client_id=f"lost-contact-{n}") for n in range(2))

        with CaptureQueriesContext(connection) as asked:
            shown = text(desk.get(DESK))

        assert not [query for query in asked if "COUNT(" in query["sql"]]
        assert (f"?after={first.order.pk}&amp;" in shown, f"orders/{second.order.pk}/" in shown) == (True, False)
        assert f"orders/{second.order.pk}/" in text(desk.get(f"{DESK}?after={first.order.pk}"))


class TestOneOrder:
    def test_is_previewed_before_anything_is_written(self, desk: Client, scene: Scene) -> None:
        shown = text(desk.post(f"{DESK}orders/{scene.order.pk}/", WISH | {"preview": "1"}))

        assert "order.updated, then order.completed" in shown
        assert (scene.status(), OrderCorrection.objects.count()) == ("ERROR", 0)

    def test_takes_a_price_as_books_write_it(self, desk: Client, scene: Scene) -> None:
        shown = text(
            desk.post(f"{DESK}orders/{scene.order.pk}/", WISH | {"average_price": "2999.120000 ", "preview": "1"})
        )

        assert "at ₹2,999.12" in shown

    def test_is_settled_once_confirmed(self, desk: Client, scene: Scene, asha: User) -> None:
        url = f"{DESK}orders/{scene.order.pk}/"
        confirmation = hidden(desk.post(url, WISH | {"preview": "1"})) | {"confirm": "1"}

        assert desk.post(url, confirmation).status_code == 302

        made = OrderCorrection.objects.get()
        assert (scene.status(), made.proposed_by, made.reason) == ("COMPLETED", asha, WISH["reason"])
        again = text(desk.post(url, confirmation))
        assert ("the order is now COMPLETE" in again, OrderCorrection.objects.count()) == (True, 1)

    def test_is_not_corrected_by_a_forged_form(self, desk: Client, scene: Scene) -> None:
        answer = desk.post(f"{DESK}orders/{scene.order.pk}/", WISH | {"confirm": "1", "seen": "e30:forged:x"})

        assert (answer.status_code, scene.status()) == (404, "ERROR")

    @pytest.mark.parametrize(
        ("wrong", "sentence"),
        [
            ({"filled_quantity": "4"}, "an order of 5 shares that is COMPLETE cannot have 4 filled."),
            ({"filled_quantity": "-1"}, "greater than or equal to 0"),
            ({"average_price": "NaN"}, "Enter a number."),
            ({"average_price": "2999.123456"}, "no more than 4 decimal places"),
            ({"exchange_order_id": "=1+1"}, "Enter a valid value."),
            ({"reason": ""}, "This field is required."),
            ({"status": "PLACED"}, "Select a valid choice."),
        ],
    )
    def test_is_not_corrected_to_an_impossible_outcome(
        self, desk: Client, scene: Scene, wrong: dict[str, str], sentence: str
    ) -> None:
        assert sentence in text(desk.post(f"{DESK}orders/{scene.order.pk}/", WISH | wrong | {"preview": "1"}))
        assert scene.status() == "ERROR"

    def test_shows_both_sides_at_a_constant_cost(self, desk: Client, scene: Scene, asha: User, now: datetime) -> None:
        desk.post(f"{DESK}tradebooks/", upload(exported()))
        settled(scene.order, REJECTED, by=asha, now=now)

        with CaptureQueriesContext(connection) as asked:
            shown = text(desk.get(f"{DESK}orders/{scene.order.pk}/"))

        assert len(asked) <= 10
        assert ("exact match" in shown, "REJECTED" in shown, scene.order.ref in shown) == (True, True, True)

    def test_escapes_what_others_wrote(self, desk: Client, scene: Scene) -> None:
        Order.objects.filter(pk=scene.order.pk).update(
            report_log=[
                {
                    **dict.fromkeys(("average_price", "exchange_order_id", "error_code", "said_at")),
                    "status": "OPEN",
                    "filled_quantity": 0,
                    "message": "<script>alert(1)</script>",
                    "heard_at": "2026-11-20T05:30:00+00:00",
                }
            ]
        )

        assert "<script>alert" not in text(desk.get(f"{DESK}orders/{scene.order.pk}/"))

    def test_is_polled_again_by_a_wake_up_message(self, desk: Client, scene: Scene) -> None:
        Batch.objects.update(due_at=None)

        desk.post(f"{DESK}orders/{scene.order.pk}/ask-again/")
        assert AuditEntry.objects.latest("number").act == "ask the broker again"

        assert Batch.objects.get(pk=scene.batch.pk).due_at is not None

    def test_marks_its_batch_complete(self, desk: Client, scene: Scene, asha: User, now: datetime) -> None:
        settled(scene.order, REJECTED, by=asha, now=now)

        desk.post(f"{DESK}orders/{scene.order.pk}/mark-complete/")

        assert scene.status() == "MARKEDCOMPLETE"

    def test_offers_the_simulated_brokers_book(self, desk: Client, scene: Scene) -> None:
        answer: Any = desk.get(f"{DESK}orders/{scene.order.pk}/tradebook.csv?dialect=generic")
        assert AuditEntry.objects.latest("number").act == "export tradebook"

        assert b"".join(answer.streaming_content).decode() == exported(dialect="generic")

    def test_is_undone_with_a_reason(self, desk: Client, scene: Scene, asha: User, now: datetime) -> None:
        made = settled(scene.order, REJECTED, by=asha, now=now)
        url = f"{DESK}corrections/{made.pk}/undo/"

        assert "This field is required." in text(desk.post(url, {"reason": ""}))
        assert scene.status() == "PARTIALLYFILLED"
        desk.post(url, {"reason": "It had filled."})

        assert scene.status() == "ERROR"


class TestFourEyes:
    @pytest.fixture
    def proposal(self, scene: Scene, asha: User, now: datetime, settings: Any) -> OrderCorrection:
        settings.RECONCILE_FOUR_EYES_ABOVE = 0
        return settled(scene.order, complete(scene.order), by=asha, now=now)

    def test_are_not_ones_own(self, desk: Client, scene: Scene, proposal: OrderCorrection) -> None:
        answer = desk.post(f"{DESK}corrections/{proposal.pk}/decide/", {"approve": "1"}, follow=True)

        assert ("You cannot approve your own proposal" in text(answer), scene.status()) == (True, "ERROR")

    def test_of_another_apply_it(self, scene: Scene, proposal: OrderCorrection) -> None:
        browser(support()).post(f"{DESK}corrections/{proposal.pk}/decide/", {"approve": "1"})

        assert scene.status() == "COMPLETED"

    def test_decline_with_a_note(self, scene: Scene, proposal: OrderCorrection) -> None:
        ravi = browser(support())
        answer = ravi.post(f"{DESK}corrections/{proposal.pk}/decide/", {"decline": "1", "note": ""}, follow=True)
        assert "is required, with at most" in text(answer)

        ravi.post(f"{DESK}corrections/{proposal.pk}/decide/", {"decline": "1", "note": "Another's trade."})

        assert (OrderCorrection.objects.get().state, scene.status()) == ("DECLINED", "ERROR")


def upload(content: str | bytes, **form: str) -> dict[str, Any]:
    raw = content if isinstance(content, bytes) else content.encode()
    return {"file": SimpleUploadedFile("book.csv", raw), "broker": "kite", "dialect": "", "client": ""} | form


class TestTradebooks:
    def test_are_laid_out_and_applied_by_name(self, desk: Client, scene: Scene) -> None:
        shown = text(desk.post(f"{DESK}tradebooks/", upload(exported()), follow=True))
        book = Tradebook.objects.get()
        assert ("exact match <b>1</b>" in shown, scene.status()) == (True, "ERROR")

        assert "Applying:" in text(desk.post(f"{DESK}tradebooks/{book.pk}/apply/", {"all": "1"}, follow=True))
        apply_book(row=book.pk, attempt=Tradebook.objects.get().attempts)

        assert scene.status() == "COMPLETED"
        assert "Applying:" not in text(desk.get(f"{DESK}tradebooks/{book.pk}/?verdict=exact+match"))

    def test_are_applied_row_by_row(self, desk: Client, scene: Scene) -> None:
        desk.post(f"{DESK}tradebooks/", upload(exported()))
        book, row = Tradebook.objects.get(), BookRow.objects.get(verdict="exact match")

        desk.post(f"{DESK}tradebooks/{book.pk}/apply/", {"selected": "1", "row": [row.pk, "x", "٣"]})

        assert list(BookRow.objects.order_by("verdict").values_list("state", flat=True)) == ["WAITING", "WANTED"]

    @pytest.mark.parametrize("content", [b"PK\x03\x04zip", b"\x1f\x8b", b"", exported.__doc__ or "x"])
    def test_that_are_none_are_refused_on_the_form(self, desk: Client, content: str | bytes) -> None:
        answer = desk.post(f"{DESK}tradebooks/", upload(content))

        assert (answer.status_code, Tradebook.objects.count()) == (200, 0)
        assert "errornote" in text(answer)

    def test_are_discarded(self, desk: Client, scene: Scene) -> None:
        desk.post(f"{DESK}tradebooks/", upload(exported()))

        desk.post(f"{DESK}tradebooks/{Tradebook.objects.get().pk}/apply/", {"discard": "1"})

        assert not Tradebook.objects.exists()

    def test_are_shown_at_a_constant_cost(self, desk: Client, gateway: Gateway, now: datetime) -> None:
        lost(gateway, now)
        desk.post(f"{DESK}tradebooks/", upload(exported()))
        lost(gateway, now, securities=tuple(Security(s, 1, Side.BUY) for s in ("INFY", "TCS", "ITC", "SBIN")))
        desk.post(f"{DESK}tradebooks/", upload(exported()))
        costs = []
        for book in Tradebook.objects.order_by("pk"):
            with CaptureQueriesContext(connection) as asked:
                desk.get(f"{DESK}tradebooks/{book.pk}/")
            costs.append(len(asked))

        assert costs[0] == costs[1] <= 8


class TestWhoMay:
    def paths(self, scene: Scene, made: OrderCorrection, book: Tradebook) -> dict[str, dict[str, Any]]:
        return {
            f"orders/{scene.order.pk}/": WISH | {"preview": "1"},
            f"orders/{scene.order.pk}/ask-again/": {},
            f"orders/{scene.order.pk}/mark-complete/": {},
            f"corrections/{made.pk}/undo/": {"reason": "x"},
            f"corrections/{made.pk}/decide/": {"approve": "1"},
            "tradebooks/": {},
            f"tradebooks/{book.pk}/apply/": {"all": "1"},
        }

    @pytest.mark.parametrize(("codenames", "sees"), [((), 403), (("view_order",), 200)])
    def test_change_nothing_without_the_permission(
        self, scene: Scene, desk: Client, codenames: tuple[str, ...], sees: int
    ) -> None:
        made = settled(scene.order, REJECTED, by=support(), now=scene.batch.created_at)
        desk.post(f"{DESK}tradebooks/", upload(exported()))
        clerk = User.objects.create_user("clerk", is_staff=True)
        clerk.user_permissions.set(Permission.objects.filter(codename__in=codenames))
        visitor = browser(clerk)

        answers = {
            path: visitor.post(DESK + path, form).status_code
            for path, form in self.paths(scene, made, Tradebook.objects.get()).items()
        }

        assert answers == dict.fromkeys(answers, 403)
        shown = [visitor.get(DESK + path).status_code for path in ("", f"orders/{scene.order.pk}/")]
        assert shown == [sees, sees]
        assert (OrderCorrection.objects.count(), BookRow.objects.exclude(state="WAITING").count()) == (1, 0)

    def test_nobody_who_has_not_logged_in(self, scene: Scene) -> None:
        answer = Client().get(f"{DESK}orders/{scene.order.pk}/")

        assert (answer.status_code, "/admin/login/" in answer["Location"]) == (302, True)

    def test_what_is_not_there_is_a_404(self, desk: Client) -> None:
        paths = ("orders/9/", "tradebooks/9/", "corrections/9/undo/")

        assert [desk.get(DESK + path).status_code for path in paths] == [404] * 3


def test_amounts_are_grouped_as_in_india(desk: Client, scene: Scene) -> None:
    Order.objects.filter(pk=scene.order.pk).update(price=Decimal("30000.00"))

    assert "1,50,000" in text(desk.get(DESK))
