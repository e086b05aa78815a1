"""A partner that got no answer asks again, and nothing happens twice."""

import hashlib
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from brokers.models import Instrument
from gateway.api.idempotency import KEPT, REQUEST_LEASE
from gateway.models import Gateway, IdempotentRequest
from smallcases.api.manager_tokens import issue_token
from smallcases.models import Version
from tests import make
from tests.flows import stage
from tests.partner import BASKET, Answer, Partner
from tests.smallcases import shelf
from transactions.models import Batch, Transaction

CREATE = "/gateway/{gateway}/transaction"
BODY = {"intent": "TRANSACTION", "orderConfig": {"type": "SECURITIES", "securities": list(BASKET)}}
OTHER = {"intent": "CONNECT"}


def keyed(
    partner: Partner,
    body: Any = BODY,
    *,
    key: str = "k1",
    path: str = CREATE,
    auth_id: str | None = None,
    query: Any = None,
) -> Answer:
    headers = partner.headers(auth_id=auth_id, **{"Idempotency-Key": key})
    return partner.call("POST", path, body, headers=headers, query=query)


def told(answer: Answer) -> tuple[int, dict[str, Any], str | None]:
    return answer.status, answer.body, answer.headers.get("Idempotency-Replayed")


def age(by: timedelta) -> None:
    """As if that much time had passed since every keyed request."""
    for row in IdempotentRequest.objects.all():
        row.created_at, row.leased_until = row.created_at - by, row.leased_until - by
        row.save()


def die_before_storing() -> None:
    """As if the process had died between the commit and the storing of the answer, and the lease had lapsed."""
    IdempotentRequest.objects.update(status_code=None, encrypted_response="")
    age(REQUEST_LEASE)


class TestASecondRequestWithTheKey:
    def test_gets_the_first_ones_answer(self, partner: Partner) -> None:
        first, second = keyed(partner), keyed(partner)

        assert told(first) == (200, first.body, None)
        assert told(second) == (200, first.body, "true")
        assert second.headers["Request-Id"] != first.headers["Request-Id"]
        assert Transaction.objects.count() == 1

    @pytest.mark.parametrize(
        "again",
        [
            lambda body: json.dumps(dict(reversed(body.items())), indent=2).encode(),
            lambda body: json.dumps(body).replace(": 10", ": 1e1").encode(),
        ],
        ids=["another order and other spaces", "another spelling of a number"],
    )
    def test_may_write_the_same_json_in_another_way(self, partner: Partner, again: Callable[[Any], bytes]) -> None:
        first, second = keyed(partner), keyed(partner, again(BODY))

        assert told(second) == (200, first.body, "true")
        assert Transaction.objects.count() == 1

    def test_is_known_although_the_release_before_stored_it(self, partner: Partner) -> None:
        first = keyed(partner)
        sent = f"POST {CREATE.replace('{gateway}', partner.name)}\n{Gateway.objects.get().pk} None None\n"
        stored = hashlib.sha256(sent.encode() + json.dumps(BODY).encode()).hexdigest()
        IdempotentRequest.objects.update(fingerprint=stored)

        assert told(keyed(partner)) == (200, first.body, "true")
        assert keyed(partner, OTHER).error_type == "IdempotencyMismatch"

    def test_gets_a_refusal_again_although_it_would_be_accepted_now(self, partner: Partner) -> None:
        unknown = f"/sandbox/{{gateway}}/transactions/{'TRX_' + '0' * 32}/complete"
        first = keyed(partner, {"broker": "kite", "clientId": "happy"}, path=unknown)
        Transaction.objects.filter(transaction_id=partner.create()).update(transaction_id="TRX_" + "0" * 32)

        second = keyed(partner, {"broker": "kite", "clientId": "happy"}, path=unknown)

        assert (first.status, first.error_type) == (404, "NotFound")
        assert told(second) == (404, first.body, "true")

    def test_moves_a_clock_once(self, partner: Partner) -> None:
        for _ in range(3):
            answer = keyed(partner, {"advance": "PT1H"}, path="/sandbox/{gateway}/clock")

        assert answer.headers["Idempotency-Replayed"] == "true"
        assert Gateway.objects.get(name=partner.name).clock_offset == timedelta(hours=1)

    def test_confirms_once_and_returns_the_same(self, partner: Partner) -> None:
        path = f"/sandbox/{{gateway}}/transactions/{partner.create()}/complete"

        first, second = (keyed(partner, {"broker": "kite", "clientId": "happy"}, path=path) for _ in range(2))

        assert told(second) == (200, first.body, "true")
        assert Batch.objects.count() == 1

    def test_is_carried_out_again_after_a_day(self, partner: Partner) -> None:
        first = keyed(partner)
        age(KEPT)

        assert keyed(partner).data["transactionId"] != first.data["transactionId"]

    def test_follows_the_wall_and_not_the_gateways_clock(self, partner: Partner) -> None:
        first = keyed(partner)
        partner.advance("P2D")

        assert told(keyed(partner)) == (200, first.body, "true")

    def test_is_told_to_come_back_while_the_first_runs(self, partner: Partner) -> None:
        keyed(partner)
        IdempotentRequest.objects.update(status_code=None, encrypted_response="")

        answer = keyed(partner)

        assert (answer.status, answer.error_type, answer.headers["Retry-After"]) == (409, "Conflict", "1")
        assert Transaction.objects.count() == 1


class TestAnotherRequestWithTheKey:
    def test_is_a_mismatch(self, partner: Partner) -> None:
        keyed(partner)

        answer = keyed(partner, OTHER)

        assert (answer.status, answer.error_type) == (409, "IdempotencyMismatch")
        assert Transaction.objects.count() == 1

    def test_is_one_of_another_path_query_or_user(self, partner: Partner) -> None:
        auth_id = stage.connected(partner)
        before = Transaction.objects.count()
        keyed(partner)

        answers = [
            keyed(partner, path="/sandbox/{gateway}/market"),
            keyed(partner, query={"wait": "1"}),
            keyed(partner, auth_id=auth_id),
        ]

        assert {(answer.status, answer.error_type) for answer in answers} == {(409, "IdempotencyMismatch")}
        assert Transaction.objects.count() == before + 1

    def test_is_none_of_another_gateway(self, partner: Partner) -> None:
        first = keyed(partner)

        second = keyed(make.partner())

        assert told(second) == (200, second.body, None)
        assert second.data["transactionId"] != first.data["transactionId"]


class TestACallerThatIsNotKnown:
    def test_learns_nothing_from_a_key(self, partner: Partner) -> None:
        keyed(partner)
        headers = partner.headers(**{"Idempotency-Key": "k1"}) | {"x-gateway-secret": "wrong"}

        answer = partner.call("POST", CREATE, BODY, headers=headers)

        assert (answer.status, answer.error_type) == (401, "InvalidSecret")
        assert "Idempotency-Replayed" not in answer.headers

    def test_takes_no_key(self, partner: Partner) -> None:
        headers = partner.headers(**{"Idempotency-Key": "k1"}) | {"x-gateway-authtoken": "wrong"}
        partner.call("POST", CREATE, BODY, headers=headers)

        assert not IdempotentRequest.objects.exists()
        assert told(keyed(partner))[0::2] == (200, None)


class TestAKey:
    @pytest.mark.parametrize("key", ["", "x" * 256, "naïve", "tab\tbed"])
    def test_of_another_form_is_refused_by_name(self, partner: Partner, key: str) -> None:
        answer = keyed(partner, key=key)

        assert (answer.status, answer.errors) == (
            400,
            ["Idempotency-Key: must be 1 to 255 printable ASCII characters."],
        )
        assert not Transaction.objects.exists()

    def test_means_nothing_to_a_get(self, partner: Partner) -> None:
        headers = partner.headers(**{"Idempotency-Key": ""})

        answer = partner.call("GET", "/sandbox/{gateway}/market", headers=headers)

        assert answer.status == 200
        assert not IdempotentRequest.objects.exists()

    def test_means_nothing_where_there_is_no_post(self, partner: Partner) -> None:
        assert keyed(partner, path="/sandbox/{gateway}/scenarios").status == 405
        assert not IdempotentRequest.objects.exists()


class TestAnAnswerThatMayPass:
    def test_is_not_kept(self, partner: Partner) -> None:
        partner.hours("closed")
        transaction_id = partner.create()
        path = f"/sandbox/{{gateway}}/transactions/{transaction_id}/complete"
        first = keyed(partner, {"broker": "kite", "clientId": "happy"}, path=path)

        second = keyed(partner, {"broker": "kite", "clientId": "happy"}, path=path)

        assert (first.status, first.error_type) == (409, "MarketClosed")
        assert (second.error_type, second.headers.get("Idempotency-Replayed")) == ("TransactionUsed", None)

    def test_of_a_bug_is_not_kept(self, partner: Partner, monkeypatch: pytest.MonkeyPatch) -> None:
        with monkeypatch.context() as broken:
            broken.setattr("transactions.api.payloads.created", None)
            assert keyed(partner).status == 500
        (made,) = Transaction.objects.all()

        second = keyed(partner)

        assert told(second) == (200, second.body, None)
        assert second.data["transactionId"] == made.transaction_id
        assert Transaction.objects.count() == 1


class TestARequestThatWasWrong:
    def test_may_be_corrected_under_its_key(self, partner: Partner) -> None:
        first = keyed(partner, {"intent": "nonsense"})
        second = keyed(partner)

        assert (first.status, first.error_type) == (400, "ValidationError")
        assert told(second) == (200, second.body, None)
        assert told(keyed(partner)) == (200, second.body, "true")
        assert keyed(partner, OTHER).error_type == "IdempotencyMismatch"
        assert Transaction.objects.count() == 1

    @pytest.mark.parametrize("body", [b"{", b'{"intent": NaN}', b"\xff", b"[" * 30_000, b""])
    def test_may_be_no_json_at_all(self, partner: Partner, body: bytes) -> None:
        assert keyed(partner, body).status == 400
        assert told(keyed(partner))[0::2] == (200, None)

    def test_may_have_been_of_another_type(self, partner: Partner) -> None:
        path = CREATE.replace("{gateway}", partner.name)
        headers = partner.headers(**{"Idempotency-Key": "k1"})
        wrong = partner.client.post(path, json.dumps(BODY), content_type="text/plain", headers=headers)

        assert wrong.status_code == 415
        assert told(keyed(partner))[0::2] == (200, None)


class TestAProcessThatDiedBeforeItStoredTheAnswer:
    def test_leaves_one_transaction_and_the_same_answer(self, partner: Partner) -> None:
        first = keyed(partner)
        die_before_storing()

        second = keyed(partner)

        assert told(second) == (200, first.body, None)
        assert told(keyed(partner)) == (200, first.body, "true")
        assert Transaction.objects.count() == 1

    def test_leaves_it_even_where_it_would_be_refused_now(self, partner: Partner) -> None:
        first = keyed(partner)
        die_before_storing()
        Instrument.objects.update(tradable=False)

        assert told(keyed(partner)) == (200, first.body, None)

    def test_places_no_order_twice(self, partner: Partner) -> None:
        """The confirmation is single use: the second run is refused, and the details tell how it ended."""
        transaction_id = partner.create()
        path = f"/sandbox/{{gateway}}/transactions/{transaction_id}/complete"
        keyed(partner, {"broker": "kite", "clientId": "happy"}, path=path)
        die_before_storing()

        answer = keyed(partner, {"broker": "kite", "clientId": "happy"}, path=path)

        assert (answer.status, answer.error_type) == (409, "TransactionUsed")
        assert Batch.objects.count() == 1


@pytest.mark.usefixtures("instruments")
class TestAManager:
    def publish(self, by: User, key: str) -> Any:
        body = {"label": "Less", "constituents": [{"ticker": "INFY", "weight": 50}, {"ticker": "WIPRO", "weight": 50}]}
        return Client(raise_request_exception=False).post(
            "/manager/v1/smallcases/SCNM_0001/rebalances",
            json.dumps(body),
            content_type="application/json",
            headers={"Authorization": f"Token {issue_token(user=by)}", "Idempotency-Key": key},
        )

    def test_publishes_once(self) -> None:
        meera = shelf.manager()
        shelf.smallcase(manager="meera")

        first, second = self.publish(meera, "v2"), self.publish(meera, "v2")

        assert (first.status_code, "Idempotency-Replayed" in first) == (200, False)
        assert (second.status_code, second["Idempotency-Replayed"], second.content) == (200, "true", first.content)
        assert Version.objects.count() == 2

    def test_sees_no_other_managers_answer(self) -> None:
        meera = shelf.manager()
        shelf.smallcase(manager="meera")
        self.publish(meera, "v2")
        admin = User.objects.create_superuser("admin")

        answer = self.publish(admin, "v2")

        assert (answer.status_code, answer.json()["errorType"]) == (409, "Conflict")  # published already
        assert "Idempotency-Replayed" not in answer
