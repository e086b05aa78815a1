"""Two partners behind one host: no delivery is ever credited with another's response."""

import socket
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.webhooks.receivers.playing import Act, Player, Step
from webhooks.delivery import client

PATIENT = client.ClientOptions(allow_private=True)
HURRIED = client.ClientOptions(allow_private=True, total_seconds=0.1, body_seconds=0.1)
PATHS = ("/hooks/one", "/hooks/other", "/hooks/one?a=b")
INTERIM = b"HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n"


def answer(status: int, body: bytes) -> bytes:
    return b"HTTP/1.1 %d Told\r\ncontent-length: %d\r\n\r\n" % (status, len(body)) + body


def behaviours(status: int, key: bytes) -> dict[str, tuple[Step, ...]]:
    """What each misdeed sends beside the answer would be a success if another delivery took it for its own."""
    own, extra = answer(status, key), answer(200, b"extra of " + key)
    return {
        "plain": (own,),
        "interim": (INTERIM, 0.01, INTERIM + own),
        "interim alone": (INTERIM, Act.CLOSE),
        "twice": (own + extra,),
        "half of a second": (own + extra[:-3],),
        "interim after": (own + INTERIM,),
        "too long": (own + b"more",),
        "too short": (own[:-1], Act.CLOSE),
        "late": (0.15, own),
        "late half": (own[:-1], 0.15, own[-1:] + extra),
        "hangs up": (own, Act.CLOSE),
        "resets": (own, Act.RESET),
    }


def afterwards(key: bytes) -> dict[str, tuple[Step, ...]]:
    """Unasked, and a moment later: it must be there before the next request, for which it cannot be told apart."""
    return {"twice, later": (0.01, answer(200, b"extra of " + key)), "nothing": ()}


class Partners(Player):
    """Plays to each request what was planned for its body."""

    def __init__(self, plans: dict[bytes, Sequence[Step]]) -> None:
        super().__init__(())
        self.plans = plans
        self.played = {key: threading.Event() for key in plans}

    def talk(self, connection: socket.socket, number: int) -> None:
        is_open = True
        while is_open and (key := self.read(connection, number)) is not None:
            try:
                is_open = self.play(connection, self.plans[key])
            finally:
                self.played[key].set()


NAMES = sorted(behaviours(200, b""))
PLAN = st.tuples(st.sampled_from(PATHS), st.sampled_from([200, 202, 410, 500]), st.sampled_from(NAMES), st.booleans())
PLANS = st.lists(PLAN, min_size=2, max_size=6)
QUICK = settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@pytest.mark.parametrize("at_once", [1, 3])
@QUICK
@example(plans=[(PATHS[0], 200, name, False) for misdeed in NAMES for name in (misdeed, "plain")])
@given(plans=PLANS)
def test_a_delivery_is_credited_with_its_own_response_alone(
    plans: list[tuple[str, int, str, bool]], at_once: int
) -> None:
    keys = [b"evt_%d" % number for number in range(len(plans))]
    steps: dict[bytes, Sequence[Step]] = {}
    for key, (_, status, name, is_more) in zip(keys, plans, strict=True):
        later = afterwards(key)["twice, later" if is_more and at_once == 1 else "nothing"]
        steps[key] = (*behaviours(status, key)[name], *later)
    with Partners(steps) as partners, ThreadPoolExecutor(at_once) as threads:

        def deliver(key: bytes, plan: tuple[str, int, str, bool]) -> client.EndpointResponse:
            path, _, name, _ = plan
            options = PATIENT if name == "plain" else HURRIED
            told = client.post(partners.url.replace("/hooks", path), key, {}, options=options)
            partners.played[key].wait(5)
            return told

        answers = list(threads.map(deliver, keys, plans))

    for key, (_, status, name, _), told in zip(keys, plans, answers, strict=True):
        assert told.status in ({status} if name == "plain" and at_once == 1 else {status, None})
        assert key.decode().startswith(told.excerpt)
