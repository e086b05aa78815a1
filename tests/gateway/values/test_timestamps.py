from datetime import UTC, datetime, timedelta, timezone

import pytest

from gateway.values.timestamps import timestamp, timestamp_or_null

IST = timezone(timedelta(hours=5, minutes=30))


class TestTimestamp:
    @pytest.mark.parametrize(
        ("moment", "text"),
        [
            (datetime(2026, 11, 20, 5, 30, tzinfo=UTC), "2026-11-20T05:30:00.000Z"),
            (datetime(2026, 11, 20, 11, 0, 0, 999_999, tzinfo=IST), "2026-11-20T05:30:00.999Z"),
        ],
    )
    def test_is_utc_in_milliseconds(self, moment: datetime, text: str) -> None:
        assert timestamp(moment) == timestamp_or_null(moment) == text

    def test_may_be_unknown(self) -> None:
        assert timestamp_or_null(None) is None
