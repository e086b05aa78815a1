"""Names of the last release: each still works, and says once what it is called now."""

from io import StringIO

import pytest
from celery import current_app
from django.core.management import call_command
from django.test import Client

from gateway import environment as env
from gateway.queue.enqueue import TaskName
from gateway.telemetry import metrics
from gateway.values.old_names import OldName, warn_of_old_name
from smallcases.models import RebalanceNotice
from tests import make
from tests.smallcases import shelf


@pytest.fixture(autouse=True)
def _not_warned_yet() -> None:
    warn_of_old_name.cache_clear()


class TestASetting:
    def test_is_read_under_its_old_name(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PATIENCE_TEST_SECONDS", "7")

        with pytest.warns(OldName, match="PATIENCE_TEST_SECONDS is now UNREPORTED_LIMIT_TEST_SECONDS"):
            assert self.limit() == 7
        assert self.limit() == 7  # and warns no more

    def test_is_read_under_its_new_name_first(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PATIENCE_TEST_SECONDS", "7")
        monkeypatch.setenv("UNREPORTED_LIMIT_TEST_SECONDS", "9")

        assert self.limit() == 9

    def limit(self) -> int:
        return env.whole("UNREPORTED_LIMIT_TEST_SECONDS", default=5, before="PATIENCE_TEST_SECONDS")


@pytest.mark.django_db
class TestAMessageOfTheLastRelease:
    @pytest.mark.usefixtures("instruments")
    def test_is_worked_on(self) -> None:
        known, here = shelf.smallcase(), make.gateway()
        shelf.investments(known, here)
        shelf.published(known)
        notice = RebalanceNotice.objects.get()

        with pytest.warns(OldName, match="The task announce is now send_rebalance_notice"):
            current_app.tasks["announce"](row=notice.pk, attempt=notice.attempts)

        notice.refresh_from_db()
        assert (notice.notified, notice.due_at) == (1, None)

    @pytest.mark.parametrize(("old", "new"), [("tell_sip", TaskName.REMIND_SIP.value), ("sweep_announcements", None)])
    def test_finds_its_task(self, old: str, new: str | None) -> None:
        row = {"row": 0, "attempt": 0} if new else {}

        with pytest.warns(OldName, match=f"The task {old} is now {new or 'sweep_rebalance_notices'}"):
            current_app.tasks[old](**row)


class TestAMetric:
    def test_counts_lost_messages_under_both_names(self) -> None:
        metrics.message_lost(task="of a test")

        found = {
            name: metrics.REGISTRY.get_sample_value(f"gateway_{name}_total", {label: "of a test"})
            for name, label in (("messages_lost", "task"), ("bells_lost", "job"))
        }
        assert found == {"messages_lost": 1, "bells_lost": 1}


@pytest.mark.django_db
class TestACommand:
    def test_re_encrypts_under_its_old_name(self) -> None:
        printed = StringIO()

        with pytest.warns(OldName, match="manage.py reseal_secrets is now manage.py reencrypt_secrets"):
            call_command("reseal_secrets", stdout=printed)

        assert "Nothing was re-encrypted" in printed.getvalue()


class TestAPageOfTheConsole:
    @pytest.mark.parametrize(
        ("old", "new"),
        [
            ("transactions/settlement/desk/?broker=kite", "transactions/ordercorrection/desk/?broker=kite"),
            ("brokers/pricepin/", "brokers/priceoverride/"),
            ("smallcases/announcement/7/change/", "smallcases/rebalancenotice/7/change/"),
        ],
    )
    def test_leads_to_where_it_is_now(self, old: str, new: str) -> None:
        assert Client().get(f"/admin/{old}").headers["location"] == f"/admin/{new}"
