"""However often, and at whichever web process, a user confirms: it is once."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from tests.partner import Answer
from tests.processes.records import check_everything, wait_until_settled
from tests.processes.stack import Stack
from tests.receiver import Receiver
from tests.servers import free_port

pytestmark = pytest.mark.servers

RIVALS = 200


class TestTwoHundredConfirmationsOfOneTransaction:
    def test_place_it_once(self, running: Stack, receiver: Receiver) -> None:
        partner = running.partner("rivals", webhook_url=receiver.url)
        elsewhere = replace(partner, base=running.another_web(free_port()))
        transaction_id = partner.create()

        with ThreadPoolExecutor(RIVALS) as rivals:
            calls = [rivals.submit(one.complete, transaction_id) for one in [partner, elsewhere] * (RIVALS // 2)]
            answers = Counter(outcome(call.result()) for call in calls)
        wait_until_settled(running)

        assert answers == {(200, None): 1, (409, "TransactionUsed"): RIVALS - 1}
        check_everything(running, [transaction_id], receiver.hits)
        assert running.ask("SELECT count(*) FROM simulator_simorder") == [(2,)]
        assert receiver.events() == ["order.placed", "order.completed"]


def outcome(answer: Answer) -> tuple[int, str | None]:
    return answer.status, answer.body.get("errorType")
