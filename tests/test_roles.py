"""What the roles can do in the console, tried out: every page is asked, and every form and action is sent."""

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.db.models import Model
from django.test import Client

from gateway.identity.roles import AUDITORS, MANAGERS, SUPPORT
from gateway.models import AuditEntry
from smallcases.models import Investment, Smallcase, Version
from tests.console_forms import everything, forms, written
from tests.gateway.console.test_dashboard import troubles
from tests.smallcases import shelf

pytestmark = pytest.mark.usefixtures("instruments")


def somebody(role: str, name: str = "asha") -> Client:
    user = User.objects.create_user(name, password="a long password", is_staff=True)
    user.groups.add(Group.objects.get(name=role))
    client = Client(raise_request_exception=False)
    client.force_login(user)
    return client


class TestAnAuditor:
    def test_changes_nothing_whatever_is_sent(self) -> None:
        troubles()
        written()
        client = somebody(AUDITORS)
        before, sent = everything(), 0

        answers = {}
        for path, form in forms():
            answers[path, form.get("action")] = client.post(path, form).status_code
            sent += 1

        assert everything() == before
        assert sent > 200
        assert not {asked: status for asked, status in answers.items() if status >= 500}

    def test_would_have_changed_something_with_more_rights(self) -> None:
        troubles()
        written()
        client = Client(raise_request_exception=False)
        client.force_login(User.objects.create_superuser("root"))
        before = everything()

        for path, form in forms():
            if not path.startswith("/admin/auth/"):  # it would delete itself
                client.post(path, form)

        changed = {label for label, digest in everything().items() if digest != before[label]}
        assert {"webhooks.Endpoint", "webhooks.Replay"} <= changed
        assert {"gateway.Gateway", "smallcases.RebalanceDraft"} <= changed
        assert {"transactions.Order", "transactions.OrderCorrection"} <= changed

    def test_reads_all(self) -> None:
        troubles()
        client = somebody(AUDITORS)

        pages = [f"/admin/{model._meta.app_label}/{model._meta.model_name}/" for model in admin.site._registry]
        assert {page: client.get(page).status_code for page in pages} == dict.fromkeys(pages, 200)

    def test_reads_the_trail_entry_by_entry(self) -> None:
        client = somebody(AUDITORS)
        entry = AuditEntry.objects.get()

        page = client.get(f"/admin/gateway/auditentry/{entry.number}/change/")

        assert entry.digest in page.content.decode()
        assert b'name="_save"' not in page.content

    @pytest.mark.parametrize("term", ["asha", "log in", "user asha", "127.0.0.1"])
    def test_finds_who_did_what(self, term: str) -> None:
        client = somebody(AUDITORS)
        client.post("/admin/login/", {"username": "asha", "password": "a long password"})

        found = client.get("/admin/gateway/auditentry/", {"q": term}).context["cl"].result_list

        assert len(found) >= 1

    def test_sees_no_list_of_another_role_that_is_not_for_reading(self) -> None:
        assert somebody(SUPPORT).get("/admin/gateway/auditentry/").status_code == 403


class TestAManager:
    @pytest.fixture
    def theirs(self) -> Smallcase:
        User.objects.create_user("ravi")
        return shelf.smallcase("SCRV_0001", manager="ravi")

    def test_sees_own_smallcases_alone(self, theirs: Smallcase) -> None:
        client = somebody(MANAGERS, "meera")
        mine = shelf.smallcase("SCMR_0001", manager="meera")

        shown = client.get("/admin/smallcases/smallcase/").context["cl"].result_list

        assert list(shown) == [mine]
        assert client.get(f"/admin/smallcases/smallcase/{mine.pk}/change/").status_code == 200

    @pytest.mark.parametrize("model", [Smallcase, Version])
    def test_does_not_see_anothers(self, theirs: Smallcase, model: type[Model]) -> None:
        client = somebody(MANAGERS, "meera")
        row = model._default_manager.get()
        name = model._meta.model_name

        assert client.get(f"/admin/smallcases/{name}/{row.pk}/change/").status_code == 302  # "is not there"
        assert client.get(f"/admin/smallcases/{name}/", {"q": "SCRV_0001"}).context["cl"].result_count == 0
        export = {"action": "export_csv", "_selected_action": row.pk, "select_across": "1"}
        taken = client.post(f"/admin/smallcases/{name}/", export)
        assert len(b"".join(taken.streaming_content).splitlines()) == 1  # type: ignore[attr-defined]  # the header

    def test_reads_nobodys_holdings(self, theirs: Smallcase) -> None:
        client = somebody(MANAGERS, "meera")

        assert client.get("/admin/smallcases/investment/").status_code == 403
        assert not Investment.objects.exists()

    def test_changes_nothing_of_anothers_by_the_console(self) -> None:
        troubles()
        written()
        client = somebody(MANAGERS, "meera")
        before = everything()

        for path, form in forms():
            client.post(path, form)

        assert everything() == before


class TestSupport:
    def test_changes_no_user_no_gateway_and_no_calendar(self) -> None:
        troubles()
        written()
        client = somebody(SUPPORT)
        before = everything()

        for path, form in forms():
            client.post(path, form)

        changed = {label for label, digest in everything().items() if digest != before[label]}
        webhooks = {f"webhooks.{name}" for name in ("Endpoint", "Delivery", "Replay", "Event")}
        settled = {f"transactions.{name}" for name in ("Batch", "Order", "OrderCorrection")}
        assert changed <= {*webhooks, *settled}
        assert "webhooks.Endpoint" in changed

    def test_is_not_let_in_without_being_on_the_staff(self) -> None:
        user = User.objects.create_user("ravi")
        user.groups.add(Group.objects.get(name=SUPPORT))
        client = Client()
        client.force_login(user)

        assert client.get("/admin/").status_code == 302
