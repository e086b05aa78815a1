"""When a SIP is due."""

from datetime import UTC, date, datetime

import pytest

from smallcases.sips.schedule import due_from, nth_date, periods_after_doing

D = date.fromisoformat


class TestTheNthDate:
    @pytest.mark.parametrize(
        ("start", "frequency", "n", "expected"),
        [
            ("2026-01-31", "1m", 0, "2026-01-31"),
            ("2026-01-31", "1m", 1, "2026-02-28"),
            ("2026-01-31", "1m", 2, "2026-03-31"),
            ("2027-11-30", "3m", 1, "2028-02-29"),
            ("2026-12-15", "1m", 1, "2027-01-15"),
            ("2026-12-28", "1w", 1, "2027-01-04"),
            ("2026-02-16", "2w", 1, "2026-03-02"),
        ],
    )
    def test_is_counted_from_the_start(self, start: str, frequency: str, n: int, expected: str) -> None:
        assert nth_date(D(start), frequency, n) == D(expected)


class TestDoingOne:
    @pytest.mark.parametrize(
        ("done", "today", "expected"),
        [(0, "2026-01-31", 1), (0, "2026-02-27", 1), (0, "2026-02-28", 2), (0, "2026-06-01", 5), (3, "2026-04-30", 4)],
    )
    def test_moves_to_the_first_future_date(self, done: int, today: str, expected: int) -> None:
        assert periods_after_doing(D("2026-01-31"), "1m", done, D(today)) == expected


class TestTheDay:
    def test_begins_at_midnight_in_mumbai(self) -> None:
        assert due_from(D("2026-12-31")) == datetime(2026, 12, 30, 18, 30, tzinfo=UTC)
