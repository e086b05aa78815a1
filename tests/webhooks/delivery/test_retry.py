from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webhooks.delivery.retry import Plan, asked_wait, wait_after, wait_as_asked

SECOND, MINUTE, HOUR = 1, 60, 3_600
HUGE = "9" * 20  # more than a C integer holds
DATE_PARTS = st.sampled_from(["Fri", ",", " ", "20", "Nov", "2026", "05:32:00", "GMT", "+", "-", "0530", ":", HUGE])
# Contract §6.3, in seconds.
STANDARD = [5 * SECOND, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR]
GATEWAY = [15 * MINUTE, 24 * HOUR, 48 * HOUR]


class TestWaitAfter:
    @pytest.mark.parametrize(("plan", "waits"), [(Plan.STANDARD, STANDARD), (Plan.GATEWAY, GATEWAY)])
    def test_follows_the_plan_to_its_end(self, plan: Plan, waits: list[int]) -> None:
        told = [wait_after(plan, failures=n, spread=0) for n in range(1, len(waits) + 2)]

        assert told == [*(timedelta(seconds=seconds) for seconds in waits), None]

    @given(st.sampled_from(Plan), st.integers(1, 3), st.floats(-1, 1))
    def test_strays_by_a_tenth_at_most(self, plan: Plan, failures: int, spread: float) -> None:
        straight = wait_after(plan, failures=failures, spread=0)
        strayed = wait_after(plan, failures=failures, spread=spread)

        assert straight is not None
        assert strayed is not None
        assert straight * 0.9 <= strayed <= straight * 1.1

    @pytest.mark.parametrize(("spread", "seconds"), [(-1, 4.5), (-0.5, 4.75), (0, 5), (1, 5.5)])
    def test_strays_by_as_much_as_it_is_told(self, spread: float, seconds: float) -> None:
        assert wait_after(Plan.STANDARD, failures=1, spread=spread) == timedelta(seconds=seconds)


class TestAskedWait:
    @pytest.mark.parametrize(
        ("header", "seconds"),
        [
            ("", 0),
            ("0", 0),
            ("120", 120),
            ("Fri, 20 Nov 2026 05:32:00 GMT", 120),
            ("Friday, 20-Nov-26 05:32:00 GMT", 120),
            ("Fri, 20 Nov 2026 05:32:00", 120),
            ("Fri, 20 Nov 2026 05:00:00 GMT", 0),
            ("999999999999999999999", 48 * HOUR),
            ("Fri, 31 Dec 9999 23:59:59 GMT", 48 * HOUR),
            ("-5", 0),
            ("1.5", 2),
            ("0.001", 1),
            ("2.", 2),
            (".5", 0),
            ("1e3", 0),
            ("120, 60", 120),
            ("60,120", 120),
            ("60, Fri, 20 Nov 2026 05:32:00 GMT", 120),
            ("Friday, 20-Nov-26 05:32:00 GMT, 180", 180),
            ("Fri, 20 Nov 2026 05:32:00 GMT, Fri, 20 Nov 2026 05:33:00 GMT", 180),
            ("Fri Nov 20 05:32:00 2026, 1.5", 120),
            ("soon, 5", 5),
            (",,", 0),
            ("soon", 0),
            ("١٢", 0),
            (f"Fri, 20 Nov {HUGE} 05:32:00 GMT", 0),
            (f"Fri, 20 Nov 2026 {HUGE}:32:00 GMT", 0),
            (f"Fri, 20 Nov 2026 05:32:00 +{HUGE}", 0),
            (f"Fri, 20 Nov 2026 05:32:00 +{HUGE}, 120", 120),
            ("Fri, 20 Nov 2026 05:32:00 +9999", 0),
        ],
    )
    def test_reads_seconds_and_dates_and_the_longest_of_several(self, now: datetime, header: str, seconds: int) -> None:
        assert asked_wait(header, now=now) == timedelta(seconds=seconds)

    @given(st.text() | st.lists(DATE_PARTS).map("".join))
    def test_bears_whatever_a_partner_says(self, header: str) -> None:
        wait = asked_wait(header, now=datetime(2026, 11, 20, tzinfo=UTC))

        assert timedelta(0) <= wait <= timedelta(hours=48)


class TestWaitAsAsked:
    @pytest.mark.parametrize(
        ("failures", "planned", "asked", "waits"),
        [
            (1, 5, 0, 5),
            (1, 5, 60, 60),
            (1, 5, 5 * MINUTE, 5 * MINUTE),
            (1, 5, HOUR, 5 * MINUTE),  # up to the next step
            (2, 5 * MINUTE, 60, 5 * MINUTE),
            (9, 24 * HOUR, 48 * HOUR, 24 * HOUR),  # the last step
            (9, 22 * HOUR, 48 * HOUR, 24 * HOUR),
        ],
    )
    def test_is_longer_up_to_the_next_step_and_never_shorter(
        self, failures: int, planned: int, asked: int, waits: int
    ) -> None:
        wait = wait_as_asked(
            Plan.STANDARD, failures=failures, wait=timedelta(seconds=planned), asked=timedelta(seconds=asked)
        )

        assert wait == timedelta(seconds=waits)
