"""However often, at whichever web process, and whatever dies: one Idempotency-Key makes one transaction."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace

import pytest
import requests

from tests.partner import BASKET, Answer
from tests.processes.stack import Stack
from tests.processes.waiting import until
from tests.processes.wire import DistantPartner
from tests.servers import free_port

pytestmark = pytest.mark.servers

RIVALS = 50
KEYS, MADE = "gateway_idempotentrequest", "transactions_transaction"
BODY = {"intent": "TRANSACTION", "orderConfig": {"type": "SECURITIES", "securities": list(BASKET)}}
CUT_OFF = "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE NOT granted AND relation = %s::regclass"


def create(partner: DistantPartner, key: str) -> Answer:
    headers = partner.headers(**{"Idempotency-Key": key})
    return partner.call("POST", "/gateway/{gateway}/transaction", BODY, headers=headers)


def outcome(answer: Answer) -> tuple[int, str | None, str | None]:
    """Header names are as granian writes them."""
    return answer.status, answer.headers.get("idempotency-replayed"), answer.headers.get("retry-after")


def made(stack: Stack) -> set[str]:
    return {transaction_id for (transaction_id,) in stack.ask(f"SELECT transaction_id FROM {MADE}")}


@pytest.fixture(scope="module")
def partner(running: Stack) -> DistantPartner:
    return running.partner("keys", webhook_url="http://127.0.0.1:9/")


class TestFiftyRequestsWithOneKey:
    def test_make_one_transaction(self, running: Stack, partner: DistantPartner) -> None:
        elsewhere = replace(partner, base=running.another_web(free_port()))

        with ThreadPoolExecutor(RIVALS) as rivals:
            calls = [rivals.submit(create, one, "race") for one in [partner, elsewhere] * (RIVALS // 2)]
            answers = [call.result() for call in calls]

        counted = Counter(map(outcome, answers))
        print(f"First, replayed, told to come back: {counted}")
        assert counted[200, None, None] == 1
        assert counted.keys() <= {(200, None, None), (200, "true", None), (409, None, "1")}
        (only,) = made(running)
        assert {answer.data["transactionId"] for answer in answers if answer.status == 200} == {only}
        assert outcome(create(partner, "race")) == (200, "true", None)


class TestAWebProcessKilled:
    def test_between_the_commit_and_the_storing_of_the_answer(self, running: Stack, partner: DistantPartner) -> None:
        before_it = made(running)
        with ThreadPoolExecutor(1) as client, ExitStack() as before:
            before.enter_context(running.locked(MADE))
            cut = client.submit(create, partner, "killed")
            until(lambda: running.waits_for(MADE), what="held before the transaction")
            with running.locked(KEYS):
                before.close()
                until(lambda: running.waits_for(KEYS), what="held before the answer")
                running.kill("web")
                running.ask(CUT_OFF, KEYS)  # else PostgreSQL would store it for the dead
            assert isinstance(cut.exception(), requests.ConnectionError)
        (only,) = made(running) - before_it
        running.start("web")

        early = create(partner, "killed")
        running.execute(f"UPDATE {KEYS} SET leased_until = now()")
        late = create(partner, "killed")
        again = create(partner, "killed")

        assert outcome(early) == (409, None, "1")
        assert outcome(late) == (200, None, None)
        assert outcome(again) == (200, "true", None)
        assert late.data["transactionId"] == only
        assert again.body == late.body
        assert made(running) - before_it == {only}
