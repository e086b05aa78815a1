from datetime import timedelta

import pytest

from gateway.models import Gateway
from gateway.partners import clock
from gateway.queue import leases
from smallcases.models import Investment, RebalanceNotice, Smallcase
from smallcases.rebalancing import rebalance_notifications
from smallcases.rebalancing.rebalance_notifications import CHUNK, notify_investors
from smallcases.tasks import sweep_rebalance_notices
from tests import make
from tests.smallcases import shelf
from tests.smallcases.counting import at_most
from webhooks.delivery.endpoints import add_endpoint
from webhooks.models import Delivery, Event

pytestmark = pytest.mark.usefixtures("instruments")


@pytest.fixture
def here() -> Gateway:
    return make.gateway()


@pytest.fixture
def known() -> Smallcase:
    return shelf.smallcase()


def owed() -> RebalanceNotice:
    return RebalanceNotice.objects.get()


def told() -> list[str]:
    return list(Event.objects.order_by("pk").values_list("subject", flat=True))


class TestAnnounce:
    def test_notifies_each_investor_of_an_older_version(self, here: Gateway, known: Smallcase) -> None:
        (mine,) = shelf.investments(known, here)
        shelf.investments(known, here, exited_at=shelf.PUBLISHED)
        shelf.investments(shelf.smallcase("SCNM_0002"), here)
        shelf.investments(known, make.gateway())
        version = shelf.published(known)
        shelf.investments(known, here)  # bought the new version

        notify_investors(row=RebalanceNotice.objects.get(gateway=here).pk, attempt=0)

        event = Event.objects.get()
        assert (event.gateway, event.type, event.subject, event.sequence) == (here, "action.pending", mine.iscid, 1)
        assert event.payload == {
            "action": "REBALANCE",
            "iscid": mine.iscid,
            "scid": "SCNM_0001",
            "name": "Two Houses",
            "date": "2026-11-10T06:00:00.000Z",
            "version": version.number,
            "label": "Anew",
            "smallcaseAuthId": mine.account.auth_id,
            "broker": "kite",
        }

    def test_owes_deliveries_to_endpoints_that_asked_for_the_type(self, here: Gateway, known: Smallcase) -> None:
        asked = add_endpoint(gateway=here, url="http://127.0.0.1:9/asked", now=here.created_at).endpoint
        type(asked).objects.update(types=["action.pending"])
        add_endpoint(gateway=here, url="http://127.0.0.1:9/other", now=here.created_at)
        shelf.investments(known, here, how_many=2)
        shelf.published(known)

        notify_investors(row=owed().pk, attempt=0)

        assert list(Delivery.objects.values_list("endpoint", "status")) == [(asked.pk, "DUE")] * 2

    def test_is_done_after_the_last(self, here: Gateway, known: Smallcase) -> None:
        last = shelf.investments(known, here, how_many=3)[-1]
        shelf.published(known)

        notify_investors(row=owed().pk, attempt=0)

        assert (owed().due_at, owed().notified, owed().notified_up_to) == (None, 3, last.pk)

    def test_continues_chunk_by_chunk_with_visible_progress(self, here: Gateway, known: Smallcase) -> None:
        shelf.investments(known, here, how_many=2 * CHUNK)
        shelf.published(known)

        progress = []
        for attempt in range(3):
            notify_investors(row=owed().pk, attempt=attempt)
            progress.append((owed().notified, owed().due_at is None))

        assert progress == [(CHUNK, False), (2 * CHUNK, False), (2 * CHUNK, True)]
        assert len(told()) == len(set(told())) == 2 * CHUNK

    def test_heard_twice_tells_once(self, here: Gateway, known: Smallcase) -> None:
        shelf.investments(known, here)
        shelf.published(known)

        for _ in range(2):
            notify_investors(row=owed().pk, attempt=0)

        assert len(told()) == 1

    def test_continues_an_investments_sequence_of_events(self, here: Gateway, known: Smallcase) -> None:
        (mine,) = shelf.investments(known, here)
        for weights in (shelf.OTHER_TWO, {"INFY": "10", "TCS": "90"}):
            shelf.published(known, weights)
            notify_investors(row=RebalanceNotice.objects.latest("pk").pk, attempt=0)

        events = Event.objects.order_by("pk").values_list("subject", "sequence", "payload__version")
        assert list(events) == [(mine.iscid, 1, 2), (mine.iscid, 2, 3)]

    @pytest.mark.servers  # on SQLite five hundred rows do not fit into one statement
    def test_costs_the_same_for_one_and_for_a_whole_chunk(self, here: Gateway, known: Smallcase) -> None:
        shelf.investments(known, here, how_many=CHUNK)
        shelf.published(known)

        row = owed().pk

        with at_most(7):
            notify_investors(row=row, attempt=0)


class TestAfterAKill:
    def test_the_sweep_rings_again_once_the_lease_has_lapsed(self, here: Gateway, known: Smallcase) -> None:
        """The worker died after its claim: nothing is told, and nothing is lost."""
        shelf.investments(known, here, how_many=2)
        shelf.published(known)
        assert leases.acquire(RebalanceNotice.objects.all(), row=owed().pk, attempt=0)
        notify_investors(row=owed().pk, attempt=0)
        assert told() == []
        RebalanceNotice.objects.update(leased_until=clock.wall() - timedelta(seconds=1))

        sweep_rebalance_notices()
        notify_investors(row=owed().pk, attempt=owed().attempts)

        assert (len(told()), owed().notified, owed().due_at) == (2, 2, None)

    def test_a_worker_that_outlived_its_lease_writes_nothing(self, here: Gateway, known: Smallcase) -> None:
        shelf.investments(known, here)
        shelf.published(known)
        stale = RebalanceNotice.objects.select_related("gateway", "version__smallcase").get()
        RebalanceNotice.objects.update(attempts=stale.attempts + 1)

        rebalance_notifications._notify(stale, list(Investment.objects.select_related("account")), shelf.PUBLISHED)

        assert (told(), owed().notified) == ([], 0)


class TestTheWholeWay:
    def test_from_publication_to_every_investor(self, eager: None, here: Gateway) -> None:
        known = shelf.smallcase()
        shelf.investments(known, here, how_many=CHUNK + 1)

        shelf.published(known)

        assert len(told()) == CHUNK + 1
        assert (owed().notified, owed().due_at) == (CHUNK + 1, None)

    def test_a_lost_message_is_sent_again_by_the_sweep(self, eager: None, here: Gateway) -> None:
        known = shelf.smallcase()
        shelf.investments(known, here)
        shelf.published(known)
        Event.objects.all().delete()
        past = clock.wall() - timedelta(seconds=1)
        RebalanceNotice.objects.update(due_at=past, leased_until=past, notified=0, notified_up_to=0)

        sweep_rebalance_notices()

        assert len(told()) == 1
