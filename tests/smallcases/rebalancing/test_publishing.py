import threading
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import pytest
from django.db import connection

from brokers.models import Instrument
from gateway.models import Gateway
from gateway.values.errors import Conflict, Invalid
from smallcases.models import Constituent, RebalanceNotice, Smallcase, Version
from smallcases.rebalancing.publishing import AlreadyPublished, publish_rebalance
from tests import make
from tests.smallcases import shelf
from tests.smallcases.counting import at_most

pytestmark = pytest.mark.usefixtures("instruments")


def publish(of: Smallcase, weights: Mapping[str, str] = shelf.OTHER_TWO, **more: Any) -> Version:
    told: dict[str, Any] = {"label": "Less of one", "rationale": "It ran ahead.", "by": None, "now": shelf.PUBLISHED}
    return publish_rebalance(smallcase=of, constituents=shelf.weighted(weights), **(told | more))


class TestPublishRebalance:
    def test_writes_the_next_version_with_its_constituents(self) -> None:
        meera = shelf.manager()

        made = publish(shelf.smallcase(), by=meera)

        kept = Version.objects.get(number=2)
        assert (kept, kept.label, kept.rationale) == (made, "Less of one", "It ran ahead.")
        assert (kept.published_at, kept.published_by) == (shelf.PUBLISHED, meera)
        weights = Constituent.objects.filter(version=kept).values_list("instrument__symbol", "weight")
        assert dict(weights) == {"INFY": 50, "WIPRO": 50}

    def test_creates_an_announcement_for_each_gateway_with_live_investments(self) -> None:
        known = shelf.smallcase()
        one, other, without, exited = (make.gateway() for _ in range(4))
        shelf.investments(known, one, how_many=3)
        shelf.investments(known, other)
        shelf.investments(known, exited, exited_at=shelf.PUBLISHED)
        shelf.investments(shelf.smallcase("SCNM_0002"), without)

        made = publish(known)

        owed = RebalanceNotice.objects.order_by("gateway__pk")
        assert [(row.gateway, row.version, row.due_at, row.notified) for row in owed] == [
            (gateway, made, shelf.PUBLISHED, 0) for gateway in (one, other)
        ]

    @pytest.mark.parametrize("investors", [1, 400])
    def test_costs_the_same_for_one_and_for_many_investors(self, investors: int) -> None:
        known = shelf.smallcase()
        for gateway in (make.gateway(), make.gateway()):
            shelf.investments(known, gateway, how_many=investors)

        with at_most(8):
            publish(known)

        assert RebalanceNotice.objects.count() == 2

    @pytest.mark.parametrize(
        ("weights", "told"),
        [
            ({"INFY": "100"}, "A version has 2 to 50 constituents, not 1."),
            ({"INFY": "50", "TCS": "49"}, "The weights sum to 99 %; they must sum to 100 %."),
            ({"INFY": "50", "TSC": "50"}, "TSC is not in the catalogue of instruments."),
            ({"INFY": "50", "WIPRO": "50"}, "WIPRO cannot be traded."),
        ],
    )
    def test_refuses_what_makes_no_version(self, weights: dict[str, str], told: str) -> None:
        known = shelf.smallcase()
        Instrument.objects.filter(symbol="WIPRO").update(tradable=False)

        with pytest.raises(Invalid) as refusal:
            publish(known, weights)

        assert refusal.value.sentences == (told,)
        assert Version.objects.count() == 1

    @pytest.mark.parametrize(
        ("change", "told"),
        [
            ({"label": " "}, "The label must have 1 to 80 characters."),
            ({"label": "l" * 81}, "The label must have 1 to 80 characters."),
            (
                {"rationale": "\0"},
                "Label or rationale contains a character that cannot be stored (NUL or a lone surrogate).",
            ),
        ],
    )
    def test_refuses_texts_that_cannot_be_kept(self, change: dict[str, Any], told: str) -> None:
        with pytest.raises(Invalid) as refusal:
            publish(shelf.smallcase(), **change)

        assert refusal.value.sentences == (told,)

    def test_refuses_what_is_the_newest_version_already(self) -> None:
        known = shelf.smallcase()
        publish(known)

        with pytest.raises(AlreadyPublished, match="Version 2 already has these constituents"):
            publish(known)

        assert Version.objects.count() == 2

    def test_lets_one_of_two_rivals_through(self) -> None:
        known = shelf.smallcase()  # both have seen version 1

        publish(known, {"INFY": "10", "TCS": "90"}, on_top_of=1)
        with pytest.raises(AlreadyPublished, match="The newest version is 2, not 1"):
            publish(known, {"INFY": "20", "TCS": "80"}, on_top_of=1)

        assert Version.objects.count() == 2

    def test_refuses_an_archived_smallcase(self) -> None:
        known = shelf.smallcase()
        Smallcase.objects.update(is_archived=True)

        with pytest.raises(Conflict, match="SCNM_0001 is archived"):
            publish(known)

    def test_may_return_to_weights_of_the_past(self) -> None:
        known = shelf.smallcase()
        publish(known)

        assert publish(known, shelf.TWO).number == 3


@pytest.mark.servers  # two connections that lock against each other
@pytest.mark.django_db(transaction=True)
class TestTwoAtOnce:
    def test_publish_one_version_and_one_refusal(self, now: datetime) -> None:
        known = shelf.smallcase()
        here = Gateway.objects.get(pk=make.gateway().pk)
        shelf.investments(known, here)
        start = threading.Barrier(2)
        told: list[str] = []

        def rival() -> None:
            try:
                start.wait()
                told.append(str(publish(known, now=now).number))
            except AlreadyPublished:
                told.append("refused")
            finally:
                connection.close()

        rivals = [threading.Thread(target=rival) for _ in range(2)]
        for one in rivals:
            one.start()
        for one in rivals:
            one.join()

        assert sorted(told) == ["2", "refused"]
        assert Version.objects.count() == 2
        assert Constituent.objects.filter(version__number=2).count() == 2
        assert RebalanceNotice.objects.count() == 1
