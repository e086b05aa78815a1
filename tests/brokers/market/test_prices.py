from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brokers.market.prices import minutes, price_at, to_tick

AT = datetime(2026, 11, 20, 5, 30, tzinfo=UTC)
MOMENTS = st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
TICKS = st.sampled_from([Decimal(tick) for tick in ("0.01", "0.05", "0.10", "0.50", "1.00", "5.00")])
REFERENCES = st.decimals("0.01", "200000", places=2)
SWING = Decimal("0.027")


def infy(at: datetime, seed: str = "gateway") -> Decimal:
    return price_at(reference=Decimal("1180.00"), tick=Decimal("0.10"), seed=seed, ticker="INFY", at=at)


class TestPriceAt:
    # Written down from one machine: another must say the same paisa.
    @pytest.mark.parametrize(("minute", "price"), [(0, "1170.80"), (1, "1172.20"), (60, "1169.80"), (1_440, "1170.00")])
    def test_is_the_same_everywhere(self, minute: int, price: str) -> None:
        assert infy(AT + timedelta(minutes=minute)) == Decimal(price)

    def test_is_another_for_another_seed(self) -> None:
        assert infy(AT) != infy(AT, seed="another")

    @given(REFERENCES, TICKS, MOMENTS)
    def test_is_on_tick_and_within_bounds(self, reference: Decimal, tick: Decimal, at: datetime) -> None:
        price = price_at(reference=reference, tick=tick, seed="s", ticker="T", at=at)

        assert price % tick == 0
        assert price >= tick
        assert abs(price - reference) <= max(reference * SWING + tick / 2, tick)

    @given(MOMENTS)
    def test_does_not_depend_on_what_was_asked_before(self, at: datetime) -> None:
        alone = infy(at)
        infy(at + timedelta(days=1))

        assert infy(at) == alone

    @given(MOMENTS)
    def test_moves_little_in_a_second(self, at: datetime) -> None:
        assert abs(infy(at) - infy(at + timedelta(seconds=1))) <= Decimal("0.20")


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
