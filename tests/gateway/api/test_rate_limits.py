"""How often a caller may ask, by the clock it is given, and with a store that fails."""

import logging
import socket
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from gateway.api import rate_limits
from gateway.api.rate_limits import LEFT_ALONE, Budget, RateLimited, ShutOut, count_guess, refuse_guessers, spend


def spent(now: datetime, *, caller: str = "gateway 1", rate: str = "3/minute") -> Budget:
    budget = spend(rate, caller, now=now)
    assert budget
    return budget


class TestSpend:
    def test_counts_down_and_then_says_when_to_come_back(self, now: datetime) -> None:
        budgets = [spent(now + timedelta(milliseconds=number)) for number in range(5)]

        assert [budget.remaining for budget in budgets] == [2, 1, 0, 0, 0]
        assert [budget.is_overdrawn for budget in budgets] == [False, False, False, True, True]
        assert {(budget.limit, budget.period) for budget in budgets} == {(3, 60)}

    def test_starts_anew_exactly_when_it_said(self, now: datetime) -> None:
        reset = spent(now).reset

        last, first = spent(now + timedelta(seconds=reset - 1)), spent(now + timedelta(seconds=reset))

        assert 1 <= reset <= 60
        assert (last.remaining, last.reset) == (1, 1)
        assert (first.remaining, first.reset) == (2, 60)

    def test_counts_every_caller_for_itself(self, now: datetime) -> None:
        assert [spent(now, caller=caller).remaining for caller in ("gateway 1", "gateway 2", "account 1")] == [2, 2, 2]

    def test_starts_anew_at_another_second_for_every_caller(self, now: datetime) -> None:
        assert len({spent(now, caller=f"gateway {number}").reset for number in range(50)}) > 20

    @pytest.mark.parametrize(("rate", "period"), [("10/second", 1), ("10 per 5 minutes", 300), ("10/day", 86_400)])
    def test_knows_other_windows(self, now: datetime, rate: str, period: int) -> None:
        budget = spent(now, rate=rate)

        assert (budget.limit, budget.remaining, budget.period) == (10, 9, period)
        assert 1 <= budget.reset <= period

    def test_counts_nobody_where_there_is_no_limit(self, now: datetime) -> None:
        assert spend("", "gateway 1", now=now) is None


class TestAStoreThatIsGone:
    @pytest.fixture
    def silent(self, settings: Any) -> Iterator[int]:
        """A port that accepts connections and says nothing."""
        with socket.create_server(("127.0.0.1", 0), backlog=16) as server:
            port = server.getsockname()[1]
            settings.RATE_LIMIT_STORAGE_URL = f"redis://127.0.0.1:{port}/0"
            yield port

    @pytest.fixture
    def closed(self, settings: Any) -> None:
        with socket.create_server(("127.0.0.1", 0)) as server:
            settings.RATE_LIMIT_STORAGE_URL = f"redis://127.0.0.1:{server.getsockname()[1]}/0"

    def test_lets_everybody_through_and_says_so_once(
        self, now: datetime, closed: None, caplog: pytest.LogCaptureFixture
    ) -> None:
        assert [spend("3/minute", "gateway 1", now=now) for _ in range(10)] == [None] * 10
        assert [record.levelno for record in caplog.records] == [logging.WARNING]
        assert "Rate limits are off: their store does not answer" in caplog.text

    def test_is_left_alone_for_a_while(self, now: datetime, silent: int, monkeypatch: pytest.MonkeyPatch) -> None:
        began = time.monotonic()
        assert spend("3/minute", "gateway 1", now=now) is None
        asked = time.monotonic()
        for _ in range(100):
            spend("3/minute", "gateway 1", now=now)
        done = time.monotonic()

        assert asked - began < 1
        assert done - asked < 0.2
        monkeypatch.setattr(rate_limits, "monotonic", lambda: asked + LEFT_ALONE + 1)
        again = time.monotonic()
        spend("3/minute", "gateway 1", now=now)
        assert time.monotonic() - again > 0.2  # it was asked again

    def test_is_told_of_when_it_returns(
        self, now: datetime, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from limits.errors import StorageError
        from limits.storage import MemoryStorage

        class Returning(MemoryStorage):
            is_gone = True

            def incr(self, key: str, expiry: float, amount: int = 1) -> int:
                if self.is_gone:
                    raise StorageError(ConnectionError("refused"))
                return super().incr(key, expiry, amount)

        store = Returning()
        counter = rate_limits.Counter(store)
        moment = time.monotonic()
        first = counter.add("k", 60)
        store.is_gone = False
        alone = counter.add("k", 60)
        monkeypatch.setattr(rate_limits, "monotonic", lambda: moment + LEFT_ALONE + 1)
        counts = [counter.add("k", 60) for _ in range(2)]

        assert (first, alone, counts) == (None, None, [1, 2])
        assert [record.message for record in caplog.records] == [
            "Rate limits are off: their store does not answer: refused",
            "Rate limits apply again: their store answers.",
        ]


class TestGuesses:
    @pytest.fixture(autouse=True)
    def _three(self, settings: Any) -> None:
        settings.RATE_LIMIT_WRONG_SECRETS = "3/minute"

    def test_shut_their_caller_out_until_the_window_ends(self, now: datetime) -> None:
        budgets = [count_guess("203.0.113.9 demo", now=now) for _ in range(3)]
        last = budgets[-1]
        assert last

        with pytest.raises(RateLimited) as refusal:
            refuse_guessers("203.0.113.9 demo", now=now)

        assert [budget and budget.remaining for budget in budgets] == [2, 1, 0]
        assert refusal.value.retry_after == last.reset
        refuse_guessers("203.0.113.9 demo", now=now + timedelta(seconds=last.reset))

    def test_shut_nobody_else_out(self, now: datetime) -> None:
        for _ in range(5):
            count_guess("203.0.113.9 demo", now=now)

        refuse_guessers("203.0.113.10 demo", now=now)
        refuse_guessers("203.0.113.9 other", now=now)

    def test_of_a_crowd_take_no_more_memory_than_is_set(self, now: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(rate_limits, "MOST_SHUT_OUT", 3)
        shut_out = ShutOut()
        for number in range(5):
            shut_out.add(f"caller {number}", seconds=60, now=now)

        assert [shut_out.seconds_left(f"caller {number}", now=now) for number in range(5)] == [60, 60, 60, 0, 0]
        later = now + timedelta(seconds=61)
        shut_out.add("caller 5", seconds=60, now=later)
        assert shut_out.seconds_left("caller 5", now=later) == 60
