"""What an attempt sent is told as it was, but for what signs it."""

import json
from typing import Any

import pytest

from gateway.partners import clock
from tests import make
from tests.webhooks import ledger
from webhooks.delivery.attempt_view import NOT_KEPT, body_of, headers_of
from webhooks.delivery.dispatcher import signed
from webhooks.models import Attempt, Delivery, Event


@pytest.fixture
def attempt(db: None) -> Attempt:
    here = make.gateway()
    ledger.endpoint(here)
    ledger.events(here, clock.wall(), 1)
    Event.objects.update(request_id="a-request")
    delivery = Delivery.objects.select_related("event", "endpoint", "gateway").get()
    return Attempt(delivery=delivery, at=clock.now(here), duration_ms=1)


def really_sent(attempt: Attempt) -> tuple[dict[str, Any], dict[str, str]]:
    body, headers = signed(attempt.delivery, attempt.at)
    return json.loads(body), headers


def test_the_body_is_what_was_sent_without_its_checksum(attempt: Attempt) -> None:
    body, _ = really_sent(attempt)

    assert json.loads(body_of(attempt)) == {**body, "checksum": NOT_KEPT}
    assert body["checksum"] not in body_of(attempt)


def test_the_headers_are_those_that_were_sent_without_signatures(attempt: Attempt) -> None:
    _, headers = really_sent(attempt)
    signing = {"webhook-timestamp": NOT_KEPT, "webhook-signature": NOT_KEPT}
    fixed = {"content-type": "application/json", "user-agent": "basket-gateway-webhooks/1"}

    assert headers_of(attempt) == {**fixed, **headers, **signing}
    assert headers["request-id"] == "a-request"
