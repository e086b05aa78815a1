from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webhooks.retry import Plan, wait_after

SECOND, MINUTE, HOUR = 1, 60, 3_600
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
