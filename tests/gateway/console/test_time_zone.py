"""The console's times are IST; what leaves as data stays UTC."""

from datetime import UTC, datetime

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from gateway.console.dashboard import by_hour
from gateway.models import Account
from tests import make

LATE: datetime = datetime(2026, 11, 20, 19, 5, tzinfo=UTC)  # the next day in India
pytestmark = pytest.mark.usefixtures("instruments")


@pytest.fixture
def operator() -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("root"))
    return client


@pytest.fixture
def account() -> Account:
    made = make.queued_batch(gateway=make.gateway(), securities=make.TWO_WAY[:1], now=LATE).account
    Account.objects.filter(pk=made.pk).update(created_at=LATE)
    return made


class TestThePagesOfTheConsole:
    def test_show_times_in_india(self, operator: Client, account: Account) -> None:
        page = operator.get(f"/admin/gateway/account/{account.pk}/change/").content.decode()

        assert "2026-11-21 00:35:00" in page
        assert "Times are IST" in page

    def test_leave_the_process_in_utc(self, operator: Client) -> None:
        operator.get("/admin/")

        assert timezone.get_current_timezone_name() == "UTC"

    def test_count_by_the_hours_of_india(self, account: Account) -> None:
        *_, last = by_hour(Account.objects.all(), "created_at", LATE)

        assert (last.label, last.value) == ("00:00 IST", 1)
