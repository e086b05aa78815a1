import math
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from statistics import stdev

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brokers.market.price_characters import Character, character_of
from brokers.market.prices import minutes, price_at, to_tick

AT = datetime(2026, 11, 20, 5, 30, tzinfo=UTC)
CLOSE = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)
YEARS = st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
TICKS = st.sampled_from([Decimal(tick) for tick in ("0.01", "0.05", "0.10", "0.50", "1.00", "5.00")])
REFERENCES = st.decimals("0.01", "200000", places=2)
DAY = timedelta(days=1)
SHARE = Character("market", 900, 22_000, 90_000)
LIQUID = character_of("ETF", "", "LIQUIDBEES")


def infy(at: datetime, seed: str = "gateway", character: Character = SHARE, priced_on: date | None = None) -> Decimal:
    return price_at(
        reference=Decimal("1180.00"),
        tick=Decimal("0.10"),
        seed=seed,
        ticker="INFY",
        character=character,
        priced_on=priced_on,
        at=at,
    )


def volatility(character: Character, ticker: str = "INFY") -> float:
    """Annualised, of a year of daily closes."""
    paisa = Decimal("0.01")
    closes = [
        price_at(
            reference=Decimal(10_000), tick=paisa, seed="s", ticker=ticker, character=character, at=CLOSE - n * DAY
        )
        for n in range(365)
    ]
    moves = [float((before / after).ln()) for before, after in pairwise(closes)]
    return stdev(moves) * math.sqrt(365)


class TestPriceAt:
    # Written down from one machine: another must say the same paisa.
    @pytest.mark.parametrize(("minute", "price"), [(0, "1179.90"), (1, "1180.40"), (60, "1177.40"), (1_440, "1196.30")])
    def test_is_the_same_everywhere(self, minute: int, price: str) -> None:
        assert infy(AT + timedelta(minutes=minute)) == Decimal(price)

    def test_is_another_for_another_seed(self) -> None:
        assert infy(AT) != infy(AT, seed="another")

    @pytest.mark.parametrize(("day", "at"), [(None, CLOSE), (date(2027, 3, 1), datetime(2027, 3, 1, 10, tzinfo=UTC))])
    def test_is_the_reference_at_the_close_of_its_day(self, day: date | None, at: datetime) -> None:
        assert infy(at, priced_on=day) == 1180

    @given(REFERENCES, TICKS, YEARS)
    def test_is_on_tick_and_never_below_one(self, reference: Decimal, tick: Decimal, at: datetime) -> None:
        price = price_at(reference=reference, tick=tick, seed="s", ticker="T", character=SHARE, at=at)

        assert price % tick == 0
        assert price >= tick

    @given(YEARS)
    def test_does_not_run_away(self, at: datetime) -> None:
        assert 200 < infy(at) < 10_000

    @given(YEARS)
    def test_of_a_liquid_fund_hardly_moves(self, at: datetime) -> None:
        assert abs(infy(at, character=LIQUID) - 1180) <= Decimal("1.50")

    @given(YEARS)
    def test_does_not_depend_on_what_was_asked_before(self, at: datetime) -> None:
        alone = infy(at)
        infy(at + DAY)

        assert infy(at) == alone

    @given(YEARS)
    def test_moves_little_in_a_second(self, at: datetime) -> None:
        before, after = infy(at), infy(at + timedelta(seconds=1))

        assert abs(before - after) <= before / 5_000 + Decimal("0.10")

    def test_swings_by_kind(self) -> None:
        """Broad index, a share, a bond fund and a liquid fund: ours, rounded (price_characters)."""
        index, share = volatility(character_of("ETF", "", "NIFTYBEES"), "NIFTYBEES"), volatility(SHARE)
        gilts, liquid = volatility(character_of("ETF", "", "GILT5YBEES"), "GILT5YBEES"), volatility(LIQUID)

        assert 0.10 < index < 0.20 < share < 0.45
        assert liquid < 0.001 < gilts < 0.06

    def test_of_two_shares_move_together_in_part(self) -> None:
        """Both follow the market: they more often move the same way than not."""
        days = [CLOSE - n * DAY for n in range(200)]
        other = Character("market", 1_200, 20_000, 80_000)

        def moves(ticker: str, character: Character) -> list[bool]:
            prices = [price_at(reference=Decimal(9_999), tick=Decimal("0.01"), seed="s", ticker=ticker,
                               character=character, at=day) for day in days]  # fmt: skip
            return [before > after for before, after in pairwise(prices)]

        same = sum(a == b for a, b in zip(moves("A", SHARE), moves("B", other), strict=True))
        assert 105 < same < 170


class TestToTick:
    @pytest.mark.parametrize(
        ("price", "tick", "rounded"),
        [
            ("100.024", "0.05", "100.00"),
            ("100.025", "0.05", "100.00"),
            ("100.026", "0.05", "100.05"),
            ("100.075", "0.05", "100.10"),
            ("0.001", "0.01", "0.01"),
            ("1", "5.00", "5.00"),
            ("133732.6", "5.00", "133735.00"),
        ],
    )
    def test_rounds_to_the_nearest_and_never_to_nothing(self, price: str, tick: str, rounded: str) -> None:
        assert str(to_tick(Decimal(price), Decimal(tick))) == rounded


class TestMinutes:
    def test_are_the_beginning_and_every_whole_minute(self) -> None:
        since = AT + timedelta(seconds=30)

        assert list(minutes(since, AT + timedelta(minutes=2))) == [
            since,
            AT + timedelta(minutes=1),
            AT + timedelta(minutes=2),
        ]

    @pytest.mark.parametrize(("seconds", "count"), [(-1, 0), (0, 1), (59, 1), (60, 2)])
    def test_are_counted_up_to_and_with_the_end(self, seconds: int, count: int) -> None:
        assert len(list(minutes(AT, AT + timedelta(seconds=seconds)))) == count
