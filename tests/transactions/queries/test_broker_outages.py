"""An outage of a broker: what waits for it is no worker's fault, and operators see it and may have it tried."""

from datetime import datetime, timedelta

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from django.urls import reverse

from brokers.models import BrokerOutage
from gateway.identity.roles import AUDITORS
from gateway.models import AuditEntry, Gateway
from gateway.monitoring.backlog import backlogs
from gateway.monitoring.contributions import gauges
from gateway.partners import clock
from gateway.queue.enqueue import TaskName
from tests import make
from transactions.models import Batch
from transactions.queries.broker_outages import outages_tile
from transactions.queries.orders_tile import stuck_batches

pytestmark = pytest.mark.usefixtures("instruments")
LIST = "admin:brokers_brokeroutage_changelist"


@pytest.fixture
def gateway(now: datetime) -> Gateway:
    """With two batches that have waited for an hour: one to be placed, and one to be polled."""
    here = make.gateway()
    for client in ("one", "two"):
        make.queued_batch(gateway=here, client_id=client, now=now)
    make.placed(Batch.objects.earliest("pk"))
    Batch.objects.update(due_at=now - timedelta(hours=1), leased_until=now - timedelta(hours=1))
    return here


def waiting(now: datetime) -> dict[TaskName, int]:
    kinds = TaskName.PLACE_BATCHES, TaskName.SYNC_BATCHES
    return {one.kind: one.rows for one in backlogs(now=now) if one.kind in kinds}


class TestBatchesOfALinkThatIsDown:
    def test_wait_for_no_worker(self, gateway: Gateway, now: datetime) -> None:
        before = [*waiting(now).values(), stuck_batches(now=now).count()]
        make.outage(gateway, "kite")

        assert before == [1, 1, 2]
        assert [*waiting(now).values(), stuck_batches(now=now).count()] == [0, 0, 0]

    def test_are_counted_in_the_tile(self, gateway: Gateway, now: datetime) -> None:
        make.outage(gateway, "kite")
        make.outage(gateway, "dhan")

        rows = outages_tile(User(), now=now)["outages"]

        assert [(row.name, row.waiting) for row in rows] == [("Zerodha", 2), ("Dhan", 0)]


class TestAnOutage:
    def test_is_counted_at_each_scrape(self, gateway: Gateway) -> None:
        make.outage(gateway, "kite")

        assert {gauge.name: value for gauge, value in gauges()}["gateway_broker_links_down"] == 1

    def test_is_shown_on_the_home_page(self, gateway: Gateway, admin_client: Client) -> None:
        calm = admin_client.get(reverse("admin:index")).content.decode()
        make.outage(gateway, "kite")
        page = admin_client.get(reverse("admin:index")).content.decode()

        assert "All brokers answer." in calm
        for text in ("Zerodha", gateway.name, "The broker cannot be reached.", "Try now"):
            assert text in page

    def test_is_tried_at_once_when_an_operator_says_so(self, gateway: Gateway, admin_client: Client) -> None:
        outage = make.outage(gateway, "kite")

        page = admin_client.post(
            reverse(LIST), {"action": "try_now", "_selected_action": [outage.pk]}, follow=True
        ).content.decode()

        assert "Links that are tried at once: 1." in page
        assert BrokerOutage.objects.get().probe_at <= clock.wall()
        entry = AuditEntry.objects.get(act="try broker now")
        assert (entry.subject, entry.by_name) == (f"kite at {gateway}", "admin")

    def test_is_not_tried_by_a_user_who_may_only_look(self, gateway: Gateway, client: Client) -> None:
        outage = make.outage(gateway, "kite")
        user = User.objects.create_user("auditor", is_staff=True)
        user.groups.add(Group.objects.get(name=AUDITORS))
        client.force_login(user)

        client.post(reverse(LIST), {"action": "try_now", "_selected_action": [outage.pk]})

        assert BrokerOutage.objects.get().probe_at > clock.wall()
