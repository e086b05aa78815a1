from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from math import ceil

import pytest

from brokers.models import Instrument
from brokers.ports.broker import Side
from gateway.values.errors import Invalid
from smallcases.catalogue.selectors import market_prices
from smallcases.models import Version
from smallcases.rebalancing.publication_preview import SAMPLE, Preview, WeightChange, rebalance_preview
from tests import make
from tests.smallcases import shelf

pytestmark = pytest.mark.usefixtures("instruments")


def preview(weights: Mapping[str, str], now: datetime) -> Preview:
    known = Version.objects.get(number=1).smallcase
    return rebalance_preview(smallcase=known, constituents=shelf.weighted(weights), now=now)


def prices(now: datetime, *tickers: str) -> list[Decimal]:
    found = market_prices(list(Instrument.objects.filter(symbol__in=tickers)), now)
    return [found[ticker] for ticker in tickers]


class TestRebalancePreview:
    def test_names_what_is_added_removed_and_changed(self, now: datetime) -> None:
        shelf.smallcase(weights={"INFY": "50", "TCS": "30", "HCLTECH": "20"})

        found = preview({"INFY": "40", "WIPRO": "40", "HCLTECH": "20"}, now)

        assert found.changes == [
            WeightChange("INFY", Decimal(50), Decimal(40)),
            WeightChange("TCS", Decimal(30), Decimal(0)),
            WeightChange("WIPRO", Decimal(0), Decimal(40)),
        ]
        assert (found.number, found.turnover) == (2, Decimal(40))

    def test_changes_nothing(self, now: datetime) -> None:
        shelf.smallcase()

        preview(shelf.OTHER_TWO, now)

        assert Version.objects.count() == 1

    def test_estimates_what_the_live_investments_buy_and_sell(self, now: datetime) -> None:
        """Ten shares of each are held, after a sale; all of TCS goes and the proceeds are put where they lack."""
        known, here = shelf.smallcase(), make.gateway()
        held, gone = *shelf.investments(known, here), *shelf.investments(known, here, exited_at=now)
        shelf.hold(held, {"INFY": 12, "TCS": 10})
        shelf.hold(held, {"INFY": 2}, side=Side.SELL)
        shelf.hold(gone, {"INFY": 1_000})
        infy, tcs = prices(now, "INFY", "TCS")
        total = 10 * infy + 10 * tcs

        found = preview({"INFY": "50", "WIPRO": "50"}, now)

        assert found.investments == 1
        assert found.sell == 10 * tcs
        assert found.buy == round((total / 2 - 10 * infy) + total / 2, 2)

    def test_scales_up_from_a_sample_of_many(self, now: datetime) -> None:
        known, here = shelf.smallcase(), make.gateway()
        for investment in shelf.investments(known, here, how_many=SAMPLE + 500):
            shelf.hold(investment, {"TCS": 1})
        (tcs,) = prices(now, "TCS")

        found = preview({"INFY": "50", "WIPRO": "50"}, now)

        assert (found.investments, found.sell) == (SAMPLE + 500, (SAMPLE + 500) * tcs)

    def test_compares_the_minimum_investments(self, now: datetime) -> None:
        shelf.smallcase()
        infy, tcs, wipro = prices(now, "INFY", "TCS", "WIPRO")

        found = preview({"TCS": "50", "WIPRO": "50"}, now)

        assert found.minimum_before == ceil(max(infy * 100 / 60, tcs * 100 / 40))
        assert found.minimum_after == ceil(max(tcs * 2, wipro * 2))

    def test_names_what_cannot_be_traded_on_either_side(self, now: datetime) -> None:
        shelf.smallcase(weights={"INFY": "50", "TCS": "30", "HCLTECH": "20"})
        Instrument.objects.filter(symbol__in=["TCS", "HCLTECH", "WIPRO"]).update(tradable=False)

        found = preview({"INFY": "40", "WIPRO": "20", "NOSUCH": "20", "HCLTECH": "20"}, now)

        assert (found.untradable, found.unknown) == (["NOSUCH", "TCS", "WIPRO"], ["NOSUCH"])
        assert found.minimum_after is None

    def test_refuses_weights_that_make_no_version(self, now: datetime) -> None:
        shelf.smallcase()

        with pytest.raises(Invalid, match="The weights sum to 99 %; they must sum to 100 %"):
            preview({"INFY": "50", "TCS": "49"}, now)
