from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests import moved_clock
from tests.programs import Unobtainable

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


class TestADate:
    @pytest.mark.parametrize(
        ("date", "by"),
        [
            ("+40d", timedelta(days=40)),
            ("2026-11-21T12:00Z", timedelta(days=1)),
            ("2026-11-21T12:00", timedelta(days=1)),
            ("2026-11-21T00:05+05:30", timedelta(hours=6, minutes=35)),
        ],
    )
    def test_is_a_number_of_days_or_a_moment(self, date: str, by: timedelta) -> None:
        assert moved_clock.offset(date, now=NOON) == by

    @pytest.mark.parametrize("date", ["tomorrow", "+40", "40d", "2026-02-30"])
    def test_that_is_neither_is_refused(self, date: str) -> None:
        with pytest.raises(ValueError):
            moved_clock.offset(date, now=NOON)


class TestALibrary:
    def test_that_does_not_move_the_clock_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / moved_clock.NAME).write_bytes(b"not a library")
        (tmp_path / "open").mkdir()

        with pytest.raises(Unobtainable, match="the clock was not moved"):
            moved_clock.environment(timedelta(days=400), library=tmp_path / moved_clock.NAME, folder=tmp_path / "open")
