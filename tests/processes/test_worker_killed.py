"""A worker dies at one chosen point after another: a locked table or a receiver that keeps still holds it there."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import datetime

import pytest

from tests.processes.records import by_webhook_id
from tests.processes.stack import Stack
from tests.processes.story import Story
from tests.processes.wire import DistantPartner
from tests.receiver import Hit, Receiver

pytestmark = pytest.mark.servers

PLACED, COMPLETED = "1 order.placed", "2 order.completed"
LEASE_FOR = "UPDATE {} SET attempts = attempts + 1, leased_until = now() + interval '5 s' {} RETURNING leased_until"


class KeepsStill:
    """Answers nothing until it is told to."""

    def __init__(self) -> None:
        self.came, self.told = threading.Event(), threading.Event()

    def __call__(self, hit: Hit) -> int:
        self.came.set()
        self.told.wait(15)
        return 200


@pytest.fixture(scope="module")
def heard() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


@pytest.fixture(scope="module")
def partner(running: Stack, heard: Receiver) -> DistantPartner:
    return running.partner("stories", webhook_url=heard.url)


@pytest.fixture
def story(running: Stack, heard: Receiver, partner: DistantPartner) -> Story:
    """About to be confirmed, with workers that live."""
    running.revive()
    heard.answer = lambda hit: 200
    return Story(running, heard, partner, partner.create())


def next_life(story: Story) -> None:
    """The dead one's leases run out, and another starts."""
    story.stack.lapse()
    story.goes_on()


class TestAWorkerKilled:
    """Or the webhook worker, where it is about a delivery."""

    def test_before_it_heard_of_the_batch(self, story: Story) -> None:
        story.stack.kill("worker")
        with story.confirmed():
            assert story.state().status == "QUEUED"

        next_life(story)

        assert story.told() == [PLACED, COMPLETED]

    def test_before_the_broker_heard_of_the_orders(self, story: Story) -> None:
        with story.stack.locked("simulator_simorder"), story.confirmed():
            story.held_at("simulator_simorder")
            story.stack.kill("worker")
            state = story.state()
        assert (state.status, state.attempts, state.orders) == ("QUEUED", 1, 0)

        next_life(story)

        # The statement of the dead worker may still enter one order; then the other one is placed later.
        told = [hit.split()[-1] for hit in story.told()]
        assert [told[0], told[-1]] == ["order.placed", "order.completed"]
        assert set(told[1:-1]) <= {"order.updated"}

    def test_before_it_wrote_down_that_they_are_placed(self, story: Story) -> None:
        with story.stack.locked("webhooks_event"), story.confirmed():
            story.held_at("webhooks_event")
            story.stack.kill("worker")
            state = story.state()
        assert (state.status, state.attempts, state.orders) == ("QUEUED", 1, 2)

        next_life(story)

        assert story.told() == [PLACED, COMPLETED]

    def test_before_the_broker_filled_them(self, story: Story) -> None:
        with story.stack.locked("simulator_simtrade"), story.confirmed():
            story.held_at("simulator_simtrade")
            story.receiver.wait_for(lambda _: len(story.hits()) == 1)
            story.stack.kill("worker")
            state = story.state()
        assert (state.status, state.orders, state.trades) == ("PLACED", 2, 0)

        next_life(story)

        assert list(dict.fromkeys(story.told())) == [PLACED, COMPLETED]

    def test_before_it_wrote_down_that_they_are_filled(self, story: Story) -> None:
        with ExitStack() as at_the_broker:
            at_the_broker.enter_context(story.stack.locked("simulator_simtrade"))
            with story.confirmed():
                story.held_at("simulator_simtrade")
            with story.stack.locked("webhooks_event"):
                at_the_broker.close()
                story.held_at("webhooks_event")
                story.stack.kill("worker")
                state = story.state()
        assert (state.status, state.orders, state.trades) == ("PLACED", 2, 2)

        next_life(story)

        assert list(dict.fromkeys(story.told())) == [PLACED, COMPLETED]

    def test_before_the_partner_answered(self, story: Story) -> None:
        story.receiver.answer = still = KeepsStill()
        with story.confirmed():
            assert still.came.wait(15)
        story.stack.kill("dispatcher")
        still.told.set()

        next_life(story)

        assert story.told() == [PLACED, PLACED, COMPLETED]
        assert_said_twice(story)

    def test_before_it_wrote_down_that_the_partner_has_it(self, story: Story) -> None:
        with story.stack.locked("webhooks_attempt"), story.confirmed():
            story.held_at("webhooks_attempt")
            story.stack.kill("dispatcher")

        next_life(story)

        assert story.told() == [PLACED, PLACED, COMPLETED]
        assert_said_twice(story)


class TestALeaseOfADeadWorker:
    def test_holds_a_batch_until_it_runs_out(self, story: Story) -> None:
        story.stack.kill("worker")
        with story.confirmed():
            lapses_at = leased(story, "transactions_batch", "WHERE status = 'QUEUED'")

        story.goes_on()

        placed_at = story.state().placed_at
        assert placed_at is not None
        assert placed_at >= lapses_at
        assert story.told() == [PLACED, COMPLETED]

    def test_holds_a_delivery_and_its_successors_until_it_runs_out(self, story: Story) -> None:
        story.receiver.answer = still = KeepsStill()
        with story.confirmed():
            assert still.came.wait(15)
        story.stack.kill("dispatcher")
        lapses_at = leased(story, "webhooks_delivery", "WHERE status = 'DUE' AND attempts = 1")
        still.told.set()

        story.goes_on()

        assert story.told() == [PLACED, PLACED, COMPLETED]
        again, after = (datetime.fromisoformat(hit.json["timestamp"]) for hit in story.hits()[1:])
        assert lapses_at <= again <= after


def leased(story: Story, table: str, those: str) -> datetime:
    """Claimed as by a worker that died since; until when. One row, or the test is about something else."""
    ((lapses_at,),) = story.stack.ask(LEASE_FOR.format(table, those))
    assert isinstance(lapses_at, datetime)
    return lapses_at


def assert_said_twice(story: Story) -> None:
    """The first event came again under the same webhook-id, with the same words."""
    first, *_ = by_webhook_id(story.hits()).values()
    assert len(first) == 2
    assert first[0] == first[1]
