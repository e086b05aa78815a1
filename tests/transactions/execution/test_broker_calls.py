from threading import Event
from time import monotonic

import pytest

from brokers.ports.broker import Unreachable
from transactions.execution.broker_calls import BrokerCalls

FAILING, HEALTHY = (1, "dhan"), (1, "kite")


def fail() -> None:
    raise Unreachable("No answer.")


def begin(calls: BrokerCalls, link: tuple[int, str], question: object) -> None:
    since = calls.reserve(link)
    assert since is not None
    calls.start(link, since, link, question)  # type: ignore[arg-type]


class TestAnswers:
    @pytest.mark.parametrize("is_failing", [True, False])
    def test_are_not_waited_for_on_a_link_that_fails(self, is_failing: bool) -> None:
        calls, answered, seconds = BrokerCalls(8), Event(), 0.5
        if is_failing:
            begin(calls, FAILING, fail)
            calls.answers(wait=5)
        begin(calls, FAILING, lambda: answered.wait(5))
        begin(calls, HEALTHY, lambda: None)

        began = monotonic()
        found = calls.answers(wait=seconds)

        assert [answer.subject for answer in found] == [HEALTHY]
        assert (monotonic() - began < seconds) is is_failing
        answered.set()
        calls.threads.shutdown()
