from datetime import datetime, timedelta

import pytest

from webhooks.delivery.endpoint_health import reason_to_disable

DAYS = timedelta(days=5)
MOMENT = timedelta(microseconds=1)


class TestReasonToDisable:
    @pytest.mark.parametrize(
        ("status", "failures", "failing_for", "reason"),
        [
            (500, 1, timedelta(0), None),
            (None, 99, DAYS - MOMENT, None),
            (404, 99, DAYS - MOMENT, None),
            (410, 1, timedelta(0), "The endpoint answered 410 Gone."),
            (500, 100, timedelta(0), "The endpoint failed 100 times in a row."),
            (None, 101, timedelta(0), "The endpoint failed 100 times in a row."),
            (500, 2, DAYS, "The endpoint failed for 5 days in a row."),
        ],
    )
    def test_is_found_at_the_limit(
        self, now: datetime, status: int | None, failures: int, failing_for: timedelta, reason: str | None
    ) -> None:
        found = reason_to_disable(status=status, failures=failures, failing_since=now - failing_for, now=now)

        assert found == reason
