from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal

import pytest

from brokers.market.price_overrides import override_price
from brokers.models import Instrument, MarketDay
from smallcases.catalogue.selectors import chart, market_prices
from smallcases.models import IndexValue, Performance
from smallcases.portfolio.daily_index import index_smallcases
from tests import make
from tests.smallcases import shelf

pytestmark = pytest.mark.usefixtures("instruments")
CLOSE = time(10, 0, tzinfo=UTC)  # 15:30 IST


def at(day: int, moment: time = CLOSE) -> datetime:
    return datetime.combine(date(2026, 11, day), moment)


def index() -> dict[int, Decimal]:
    return {day.day: value for day, value in IndexValue.objects.order_by("day").values_list("day", "value")}


def grown(weights: dict[str, str], since: int, until: int) -> Decimal:
    """By hand: what a hundred rupees put into these weights at one close are worth at another."""
    known = list(Instrument.objects.filter(symbol__in=weights))
    before, after = market_prices(known, at(since)), market_prices(known, at(until))
    return sum((Decimal(weight) * after[ticker] / before[ticker] for ticker, weight in weights.items()), Decimal(0))


class TestIndexSmallcases:
    def test_values_each_trading_day_that_has_closed(self) -> None:
        """2 November 2026 is a Monday, 7 a Saturday, 8 a Sunday with Muhurat trading, 10 a holiday."""
        shelf.smallcase()

        assert index_smallcases(now=at(9)) == 7
        assert list(index()) == [2, 3, 4, 5, 6, 8, 9]
        assert index()[2] == 100

    def test_waits_for_the_close(self) -> None:
        shelf.smallcase()

        index_smallcases(now=at(3, time(9, 59, 59, tzinfo=UTC)))

        assert list(index()) == [2]

    def test_is_what_somebody_has_who_bought_and_held(self) -> None:
        shelf.smallcase()

        index_smallcases(now=at(6))

        assert index()[6] == round(grown({"INFY": "60", "TCS": "40"}, 2, 6), 4)

    def test_is_chained_over_a_rebalance(self) -> None:
        shelf.published(shelf.smallcase(), now=at(4, time(6, tzinfo=UTC)))

        index_smallcases(now=at(6))

        assert index()[4] == round(grown({"INFY": "60", "TCS": "40"}, 2, 4), 4)
        assert index()[6] == round(index()[4] * grown({"INFY": "50", "WIPRO": "50"}, 4, 6) / 100, 4)

    def test_takes_a_rebalance_after_the_close_for_the_next_days(self) -> None:
        shelf.published(shelf.smallcase(), now=at(4, time(10, 1, tzinfo=UTC)))

        index_smallcases(now=at(6))

        assert index()[5] == round(grown({"INFY": "60", "TCS": "40"}, 2, 5), 4)
        assert index()[6] == round(index()[5] * grown({"INFY": "50", "WIPRO": "50"}, 5, 6) / 100, 4)

    def test_day_by_day_is_the_same_as_in_one_go(self) -> None:
        known = shelf.smallcase()
        for day in (2, 3, 4):
            index_smallcases(now=at(day))
        shelf.published(known, now=at(4, time(11, tzinfo=UTC)))
        for day in (5, 6, 9):
            index_smallcases(now=at(day))
        daily = index()
        IndexValue.objects.all().delete()

        index_smallcases(now=at(9))

        assert index() == daily

    def test_twice_writes_nothing(self) -> None:
        shelf.smallcase()
        index_smallcases(now=at(6))

        assert index_smallcases(now=at(6)) == 0

    def test_fills_a_hole(self) -> None:
        shelf.smallcase()
        index_smallcases(now=at(6))
        whole = index()
        IndexValue.objects.filter(day=date(2026, 11, 4)).delete()

        assert index_smallcases(now=at(6)) == 1
        assert index() == whole

    def test_has_nothing_before_the_first_close(self) -> None:
        shelf.smallcase()

        assert index_smallcases(now=at(2, time(9, tzinfo=UTC))) == 0
        assert not Performance.objects.exists()

    def test_follows_the_days_that_operators_have_added(self) -> None:
        """A holiday on Tuesday, a session on Saturday that closes at 19:15 IST."""
        MarketDay.objects.create(day=date(2026, 11, 3))
        MarketDay.objects.create(day=date(2026, 11, 7), opens=time(18, 15), closes=time(19, 15))
        shelf.smallcase()

        index_smallcases(now=at(7, time(13, 45, tzinfo=UTC)))

        assert list(index()) == [2, 4, 5, 6, 7]

    def test_of_a_launch_on_a_holiday_begins_with_the_next_trading_day(self) -> None:
        """A Saturday. The next session is Muhurat trading on Sunday, which ends at 19:00 IST."""
        shelf.smallcase(launched_on=date(2026, 11, 7))

        index_smallcases(now=at(8, time(13, 30, tzinfo=UTC)))

        assert index() == {8: 100}

    def test_does_not_heed_a_gateways_pins(self) -> None:
        shelf.smallcase()
        here = make.gateway()
        override_price(gateway=here, ticker="INFY", price=Decimal("1.00"), now=at(2))

        index_smallcases(now=at(3))

        assert index()[3] == round(grown({"INFY": "60", "TCS": "40"}, 2, 3), 4)

    def test_only_those_that_are_named(self) -> None:
        shelf.smallcase()
        shelf.smallcase("SCNM_0002")

        index_smallcases(now=at(2), scids=["SCNM_0002"])

        assert IndexValue.objects.values_list("smallcase__scid").get() == ("SCNM_0002",)

    def test_keeps_what_can_be_sorted_by(self) -> None:
        shelf.smallcase()
        index_smallcases(now=at(5))
        index_smallcases(now=at(6))

        kept = Performance.objects.get()

        assert (kept.day, kept.index_value) == (date(2026, 11, 6), index()[6])
        assert kept.daily == round(index()[6] / index()[5] - 1, 6)
        assert kept.since_launch == round(index()[6] / 100 - 1, 6)
        assert (kept.monthly, kept.cagr, kept.volatility) == (None, None, None)

    def test_tells_its_progress(self) -> None:
        shelf.smallcase()
        shelf.smallcase("SCNM_0002")
        told: list[int] = []

        index_smallcases(now=at(2), progress=told.append)

        assert told == [2, 2]


class TestTheRiskLabel:
    @pytest.mark.parametrize(
        ("weights", "risk"),
        [
            ({"LIQUIDBEES": "80", "NIFTYBEES": "20"}, "Low volatility"),
            ({"NIFTYBEES": "60", "SETFNIF50": "40"}, "Medium volatility"),
            ({"DLF": "50", "LODHA": "50"}, "High volatility"),
        ],
    )
    def test_compares_with_the_benchmark(self, weights: Mapping[str, str], risk: str) -> None:
        known = shelf.smallcase(weights=weights, launched_on=date(2026, 9, 1), benchmark="NIFTYBEES")

        index_smallcases(now=at(9))

        known.refresh_from_db()
        assert known.risk == risk

    def test_of_a_young_smallcase_is_that_of_its_file(self) -> None:
        known = shelf.smallcase(weights={"LIQUIDBEES": "80", "NIFTYBEES": "20"}, risk="High volatility")

        index_smallcases(now=at(9))

        known.refresh_from_db()
        assert known.risk == "High volatility"


class TestTheChart:
    def test_leaves_out_a_day_that_became_a_holiday_after_its_value(self) -> None:
        known = shelf.smallcase()
        index_smallcases(now=at(6))
        MarketDay.objects.create(day=date(2026, 11, 4))

        shown = chart(known, months=1, base=Decimal(100))

        assert [day.day for day, _ in shown.index] == [day.day for day, _ in shown.benchmark] == [2, 3, 5, 6]
