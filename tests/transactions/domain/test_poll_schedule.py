from datetime import timedelta

import pytest

from transactions.domain.poll_schedule import next_poll, next_poll_of_unknown


class TestNextLook:
    @pytest.mark.parametrize(
        ("elapsed", "wait"),
        [(0, 0.25), (0.5, 0.25), (0.6, 0.3), (4, 2), (59, 29.5), (60, 30), (61, 30), (86_400, 30)],
    )
    def test_waits_half_of_what_has_passed_within_bounds(self, elapsed: float, wait: float) -> None:
        assert next_poll(timedelta(seconds=elapsed)) == timedelta(seconds=wait)


class TestNextLookAtTheLost:
    @pytest.mark.parametrize(("minutes", "wait"), [(0, 0.5), (1, 0.5), (10, 5), (30, 15), (31, 15), (1_439, 15)])
    def test_waits_ever_longer(self, minutes: float, wait: float) -> None:
        assert next_poll_of_unknown(timedelta(minutes=minutes)) == timedelta(minutes=wait)

    @pytest.mark.parametrize("hours", [24, 25, 1_000])
    def test_ends_after_a_day(self, hours: int) -> None:
        assert next_poll_of_unknown(timedelta(hours=hours)) is None
