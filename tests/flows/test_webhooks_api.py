"""The partner's own view of its webhooks, over HTTP, against a real receiver."""

import json
from typing import Any

import pytest
from standardwebhooks import Webhook

from gateway.models import Gateway
from gateway.partners import clock
from tests import make
from tests.flows.stage import connected
from tests.partner import Partner
from tests.receiver import Hit, Receiver
from tests.smallcases.counting import at_most
from tests.webhooks import ledger
from webhooks.delivery.endpoints import add_endpoint, disable, rotate_secret
from webhooks.events.event_types import EventType
from webhooks.models import Attempt, Delivery, Endpoint, Event, Replay
from webhooks.signing.verify import verify_checksum

Json = dict[str, Any]
WEBHOOKS = "/v1/{gateway}/engine/webhooks"
UNKNOWN = "0" * 24


def traded(partner: Partner, client_id: str = "happy") -> str:
    """The id of a transaction whose two events have been delivered."""
    made = partner.create()
    assert partner.complete(made, client_id).status == 200
    make.sweep()
    partner.advance("PT10S")
    make.sweep()
    return made


def events(partner: Partner, *, auth_id: str | None = None, **query: Any) -> list[Json]:
    answer = partner.call("GET", f"{WEBHOOKS}/events", auth_id=auth_id, query=query)
    assert answer.status == 200, answer.body
    return list(answer.data["events"])


def genuine(partner: Partner, hit: Hit) -> Json:
    """Verified as a partner would: the reference library, then the checksum."""
    Webhook(partner.webhook_secret or "").verify(hit.body, hit.headers)
    verify_checksum(hit.body, api_secret=partner.api_secret)
    return hit.json


def endpoint_id(partner: Partner) -> str:
    return str(partner.call("GET", f"{WEBHOOKS}/endpoints").data[0]["endpointId"])


class TestEvents:
    def test_are_told_newest_first_with_what_became_of_each(self, partner: Partner, receiver: Receiver) -> None:
        made = traded(partner)

        newest, oldest = events(partner)

        assert [(e["type"], e["sequence"]) for e in (newest, oldest)] == [("order.completed", 2), ("order.placed", 1)]
        assert (oldest["transactionId"], oldest["batchId"]) == (made, receiver.hits[0].json["batchId"])
        assert oldest["eventId"] == receiver.hits[0].headers["webhook-id"]
        (delivery,) = oldest["deliveries"]
        assert (delivery["url"], delivery["status"], delivery["attempts"]) == (receiver.url, "DELIVERED", 1)
        assert (delivery["nextAttemptAt"], delivery["endpointId"]) == (None, endpoint_id(partner))
        (attempt,) = delivery["tries"]
        assert (attempt["statusCode"], attempt["error"], attempt["response"]) == (200, None, "ok")
        assert delivery["settledAt"] >= attempt["at"]

    def test_show_the_body_but_for_what_each_attempt_adds(self, partner: Partner, receiver: Receiver) -> None:
        traded(partner)

        body = receiver.hits[0].json

        assert events(partner)[1]["payload"] | {name: body[name] for name in ("timestamp", "checksum")} == body

    def test_say_when_what_failed_is_tried_again(self, partner: Partner, receiver: Receiver) -> None:
        receiver.answer = lambda hit: 500
        partner.complete(partner.create())
        make.sweep(rounds=1)

        (delivery,) = events(partner, status="DUE", type="order.placed")[0]["deliveries"]

        assert (delivery["status"], delivery["settledAt"]) == ("DUE", None)
        assert delivery["nextAttemptAt"] > delivery["tries"][0]["at"]
        assert delivery["tries"][0]["statusCode"] == 500

    def test_show_the_newest_twenty_attempts(self, partner: Partner, receiver: Receiver) -> None:
        traded(partner)
        delivery = Delivery.objects.earliest("pk")
        now = clock.wall()
        Attempt.objects.bulk_create(
            Attempt(delivery=delivery, at=now, duration_ms=number, status_code=500) for number in range(1, 26)
        )

        told = events(partner)[1]["deliveries"][0]

        assert told["attempts"] == 26
        assert [one["durationMs"] for one in told["tries"]] == list(range(25, 5, -1))

    @pytest.mark.parametrize(
        ("query", "types"),
        [
            ({"type": "order.placed"}, ["order.placed"]),
            ({"status": "DELIVERED"}, ["order.completed", "order.placed"]),
            ({"status": "GIVEN_UP"}, []),
            ({"transactionId": "TRX_unknown"}, []),
            ({"count": 1}, ["order.completed"]),
        ],
    )
    def test_are_narrowed(self, partner: Partner, query: Json, types: list[str]) -> None:
        traded(partner)

        assert [event["type"] for event in events(partner, **query)] == types

    def test_of_one_transaction_are_told_apart(self, partner: Partner) -> None:
        first, _ = traded(partner), traded(partner)

        assert {event["transactionId"] for event in events(partner, transactionId=first)} == {first}

    def test_are_paged_without_a_gap_while_new_ones_arrive(self, partner: Partner) -> None:
        for _ in range(2):
            traded(partner)
        everything = [event["eventId"] for event in events(partner)]

        pages, cursor = [], None
        for _ in range(4):
            query = {"count": 1} | ({"cursor": cursor} if cursor else {})
            page = partner.call("GET", f"{WEBHOOKS}/events", query=query).data
            pages += [event["eventId"] for event in page["events"]]
            cursor = page["nextCursor"]
            traded(partner)

        assert (pages, cursor) == (everything, None)

    @pytest.mark.parametrize(
        ("query", "sentence"),
        [
            ({"count": 0}, "count:"),
            ({"count": 101}, "count:"),
            ({"status": "LOST"}, "status:"),
            ({"type": "order.lost"}, "type:"),
            ({"cursor": "12"}, "cursor: must be the nextCursor of an earlier response."),
        ],
    )
    def test_are_refused_for_a_query_that_means_nothing(self, partner: Partner, query: Json, sentence: str) -> None:
        answer = partner.call("GET", f"{WEBHOOKS}/events", query=query)

        assert (answer.status, answer.error_type) == (400, "ValidationError")
        assert answer.errors[0].startswith(sentence)

    def test_of_another_gateway_are_not_shown(self, partner: Partner) -> None:
        traded(partner)

        assert events(make.partner()) == []

    def test_of_another_user_are_not_shown(self, partner: Partner) -> None:
        mine, theirs = connected(partner, "happy-1"), connected(partner, "happy-2")
        made = traded(partner, "happy-1")

        assert {event["transactionId"] for event in events(partner, auth_id=mine)} == {made}
        assert events(partner, auth_id=theirs) == []
        assert events(partner, auth_id=theirs, transactionId=made) == []

    def test_cost_five_statements_however_many_they_are(self, partner: Partner) -> None:
        mine = connected(partner)
        here = Gateway.objects.get()
        ledger.endpoint(here, "second")
        for batch in range(30):
            ledger.event(here, clock.wall(), subject=f"{batch:024x}", auth_id=mine)
        now = clock.wall()
        Attempt.objects.all().delete()
        Attempt.objects.bulk_create(
            Attempt(delivery=row, at=now, duration_ms=3, status_code=500) for row in Delivery.objects.all()
        )

        with at_most(5):
            told = events(partner, auth_id=mine, count=30, status="DUE")

        assert [len(event["deliveries"]) for event in told] == [2] * 30
        assert {len(delivery["tries"]) for event in told for delivery in event["deliveries"]} == {1}


class TestReplayingOne:
    def test_sends_it_again_under_the_same_id_and_verifiable(self, partner: Partner, receiver: Receiver) -> None:
        traded(partner)
        first = receiver.hits[0]

        answer = partner.call("POST", f"{WEBHOOKS}/events/{first.headers['webhook-id']}/replay")
        make.sweep()

        again = receiver.hits[-1]
        assert (answer.status, answer.data) == (200, {"eventId": first.headers["webhook-id"]})
        assert [again.headers[name] for name in ("webhook-id", "x-gateway-sequence")] == [
            first.headers[name] for name in ("webhook-id", "x-gateway-sequence")
        ]
        assert len(receiver.hits) == 3
        assert genuine(partner, again)["timestamp"] > first.json["timestamp"]
        assert again.json["checksum"] != first.json["checksum"]

    def test_signs_with_the_secrets_of_the_day(self, partner: Partner, receiver: Receiver) -> None:
        traded(partner)
        partner.webhook_secret = rotate_secret(Endpoint.objects.get())

        partner.call("POST", f"{WEBHOOKS}/events/{receiver.hits[0].headers['webhook-id']}/replay")
        make.sweep()

        assert genuine(partner, receiver.hits[-1])["batchId"] == receiver.hits[0].json["batchId"]

    def test_requested_twice_sends_once(self, partner: Partner, receiver: Receiver) -> None:
        traded(partner)
        path = f"{WEBHOOKS}/events/{receiver.hits[0].headers['webhook-id']}/replay"

        assert [partner.call("POST", path).status for _ in range(2)] == [200, 200]
        make.sweep()

        assert len(receiver.hits) == 3

    def test_of_anothers_is_not_there(self, partner: Partner, receiver: Receiver) -> None:
        other_user = connected(partner, "happy-2")
        make.sweep()
        traded(partner, "happy-1")
        path = f"{WEBHOOKS}/events/{receiver.hits[0].headers['webhook-id']}/replay"

        answers = [partner.call("POST", path, auth_id=other_user), make.partner().call("POST", path)]
        make.sweep()

        assert [(answer.status, answer.error_type) for answer in answers] == [(404, "NotFound")] * 2
        assert len(receiver.hits) == 2

    def test_of_ones_own_is_sent(self, partner: Partner, receiver: Receiver) -> None:
        mine = connected(partner, "happy-1")
        traded(partner, "happy-1")
        path = f"{WEBHOOKS}/events/{receiver.hits[0].headers['webhook-id']}/replay"

        assert partner.call("POST", path, auth_id=mine).status == 200
        make.sweep()

        assert len(receiver.hits) == 3

    def test_that_nobody_hears_is_a_conflict(self, partner: Partner, receiver: Receiver) -> None:
        traded(partner)
        disable(Endpoint.objects.get(), because="For a test.", now=clock.wall())

        answer = partner.call("POST", f"{WEBHOOKS}/events/{receiver.hits[0].headers['webhook-id']}/replay")

        assert (answer.status, answer.error_type) == (409, "Conflict")


class TestReplayingMany:
    def test_by_id_is_done_at_once(self, partner: Partner, receiver: Receiver) -> None:
        traded(partner)
        ids = [hit.headers["webhook-id"] for hit in receiver.hits]

        answer = partner.call("POST", f"{WEBHOOKS}/replay", {"eventIds": ids})
        make.sweep()

        assert (answer.status, answer.data) == (200, {"key": None, "replayed": 2, "done": True})
        assert [hit.headers["webhook-id"] for hit in receiver.hits] == ids + ids

    def test_since_a_time_is_followed_by_its_key(self, partner: Partner, receiver: Receiver) -> None:
        traded(partner)
        since = Event.objects.earliest("pk").created_at

        begun = partner.call("POST", f"{WEBHOOKS}/replay", {"since": since.isoformat()})
        make.sweep()
        told = partner.call("GET", f"{WEBHOOKS}/replays/{begun.data['key']}").data

        assert begun.status == 200
        assert {name: told[name] for name in ("key", "replayed", "done", "onlyMissed", "endpointId", "until")} == {
            "key": begun.data["key"],
            "replayed": 2,
            "done": True,
            "onlyMissed": False,
            "endpointId": None,
            "until": None,
        }
        assert receiver.events() == ["order.placed", "order.completed"] * 2
        assert [genuine(partner, hit)["status"] for hit in receiver.hits[2:]] == ["PLACED", "COMPLETED"]

    def test_by_a_connected_user_takes_that_users_own(self, partner: Partner, receiver: Receiver) -> None:
        mine = connected(partner, "happy-1")
        traded(partner, "happy-1")
        traded(partner, "happy-2")
        since = {"since": Event.objects.earliest("pk").created_at.isoformat()}

        key = partner.call("POST", f"{WEBHOOKS}/replay", since, auth_id=mine).data["key"]
        make.sweep()

        assert {hit.json["smallcaseAuthId"] for hit in receiver.hits[4:]} == {mine}
        assert len(receiver.hits) == 6
        assert partner.call("GET", f"{WEBHOOKS}/replays/{key}", auth_id=mine).data["replayed"] == 2

    def test_is_followed_by_nobody_else(self, partner: Partner) -> None:
        mine, theirs = connected(partner, "happy-1"), connected(partner, "happy-2")
        body = {"since": "2026-01-01T00:00:00Z"}
        key = partner.call("POST", f"{WEBHOOKS}/replay", body, auth_id=mine).data["key"]
        path = f"{WEBHOOKS}/replays/{key}"

        assert [partner.call("GET", path, auth_id=who).status for who in (mine, None, theirs)] == [200, 200, 404]
        assert make.partner().call("GET", path).status == 404

    def test_with_one_id_unknown_sends_none(self, partner: Partner, receiver: Receiver) -> None:
        traded(partner)
        known = receiver.hits[0].headers["webhook-id"]

        answer = partner.call("POST", f"{WEBHOOKS}/replay", {"eventIds": [known, f"evt_{UNKNOWN}"]})
        make.sweep()

        assert (answer.status, answer.errors) == (404, ["There is no event with this id: 2 of 2."])
        assert len(receiver.hits) == 2

    @pytest.mark.parametrize(
        "body",
        [
            {},
            {"eventIds": []},
            {"eventIds": ["12"]},
            {"eventIds": [f"evt_{number:024x}" for number in range(101)]},
            {"eventIds": [f"evt_{UNKNOWN}"], "since": "2026-01-01T00:00:00Z"},
            {"eventIds": [f"evt_{UNKNOWN}"], "onlyMissed": True},
            {"since": "yesterday"},
            {"since": "2026-01-01T00:00:00Z", "until": "2026-01-01T00:00:00Z"},
            {"since": "2026-01-01T00:00:00Z", "type": "order.lost"},
            {"since": "2026-01-01T00:00:00Z", "onlyMissed": "yes"},
        ],
    )
    def test_is_refused_for_an_order_without_effect(self, partner: Partner, body: Json) -> None:
        answer = partner.call("POST", f"{WEBHOOKS}/replay", body)

        assert (answer.status, answer.error_type) == (400, "ValidationError")


class TestEndpoints:
    def test_are_told_without_their_secrets(self, partner: Partner, receiver: Receiver) -> None:
        answer = partner.call("GET", f"{WEBHOOKS}/endpoints")

        assert answer.data == [
            {
                "endpointId": Endpoint.objects.get().public_id,
                "url": receiver.url,
                "types": ["order.placed", "order.completed", "order.updated", "holdings.imported"],
                "plan": "standard",
                "enabled": True,
                "failures": 0,
                "failingSince": None,
                "disabledAt": None,
                "disabledBecause": None,
            }
        ]
        assert "whsec" not in json.dumps(answer.body)

    def test_are_told_to_connected_users_servers_too(self, partner: Partner) -> None:
        assert partner.call("GET", f"{WEBHOOKS}/endpoints", auth_id=connected(partner)).status == 200

    def test_of_another_gateway_are_not_told(self, partner: Partner) -> None:
        assert make.partner().call("GET", f"{WEBHOOKS}/endpoints").data == []


class TestEnabling:
    @pytest.fixture
    def disabled(self, partner: Partner) -> Endpoint:
        hook = Endpoint.objects.get()
        disable(hook, because="The endpoint failed 100 times in a row.", now=clock.wall())
        return Endpoint.objects.get()

    def test_delivers_what_comes_from_now_on(self, partner: Partner, receiver: Receiver, disabled: Endpoint) -> None:
        partner.complete(partner.create())
        answer = partner.call("POST", f"{WEBHOOKS}/endpoints/{disabled.public_id}/enable", {})
        traded(partner)

        assert (answer.status, answer.data) == (200, {"endpointId": disabled.public_id, "replay": None})
        assert {hit.json["transactionId"] for hit in receiver.hits} == {
            event.transaction_id for event in Event.objects.filter(deliveries__isnull=False)
        }
        assert partner.call("GET", f"{WEBHOOKS}/endpoints").data[0]["disabledBecause"] is None

    def test_recovers_what_was_missed(self, partner: Partner, receiver: Receiver, disabled: Endpoint) -> None:
        traded(partner)
        assert receiver.hits == []
        since = Event.objects.earliest("pk").created_at

        path = f"{WEBHOOKS}/endpoints/{disabled.public_id}/enable"
        answer = partner.call("POST", path, {"recoverSince": since.isoformat()})
        Replay.objects.update(leased_until=clock.wall())  # the settling time has passed
        make.sweep()

        assert receiver.events() == ["order.placed", "order.completed"]
        assert partner.call("GET", f"{WEBHOOKS}/replays/{answer.data['replay']}").data["replayed"] == 2
        assert [genuine(partner, hit)["status"] for hit in receiver.hits] == ["PLACED", "COMPLETED"]

    def test_is_nothing_for_a_user_to_decide(self, partner: Partner, disabled: Endpoint) -> None:
        user = connected(partner)

        answer = partner.call("POST", f"{WEBHOOKS}/endpoints/{disabled.public_id}/enable", {}, auth_id=user)

        assert (answer.status, answer.error_type) == (403, "UserMismatch")
        assert not Endpoint.objects.get().is_enabled

    def test_of_another_gateways_endpoint_is_not_there(self, disabled: Endpoint) -> None:
        answer = make.partner().call("POST", f"{WEBHOOKS}/endpoints/{disabled.public_id}/enable", {})

        assert (answer.status, answer.error_type) == (404, "NotFound")
        assert not Endpoint.objects.get().is_enabled


class TestSamples:
    @pytest.mark.parametrize("kind", ["order.placed", "order.completed", "holdings.imported"])
    def test_are_delivered_like_any_other_event(self, partner: Partner, receiver: Receiver, kind: str) -> None:
        answer = partner.call("POST", f"{WEBHOOKS}/test", {"type": kind})
        make.sweep()

        (hit,) = receiver.hits
        assert (answer.data["eventId"], answer.data["type"]) == (hit.headers["webhook-id"], kind)
        assert (hit.event, genuine(partner, hit)["test"]) == (kind, True)

    def test_are_sent_by_live_gateways_too(self, eager: None, receiver: Receiver) -> None:
        live = make.partner(webhook_url=receiver.url, is_test=False)

        assert live.call("POST", f"{WEBHOOKS}/test", {"type": "order.placed"}).status == 200
        make.sweep()

        assert genuine(live, receiver.hits[0])["test"] is True

    def test_go_to_the_endpoint_that_is_named_whatever_it_hears(self, partner: Partner, receiver: Receiver) -> None:
        add_endpoint(gateway=Gateway.objects.get(), url=f"{receiver.url}/other", now=clock.wall())
        body = {"type": "action.pending", "endpointId": endpoint_id(partner)}

        assert partner.call("POST", f"{WEBHOOKS}/test", body).status == 200
        make.sweep()

        assert [hit.path for hit in receiver.hits] == ["/hooks"]

    def test_that_nobody_hears_are_a_conflict(self, partner: Partner) -> None:
        answer = partner.call("POST", f"{WEBHOOKS}/test", {"type": "action.pending"})

        assert (answer.status, answer.error_type) == (409, "Conflict")
        assert not Event.objects.exists()

    def test_for_a_disabled_endpoint_are_a_conflict(self, partner: Partner) -> None:
        disable(Endpoint.objects.get(), because="For a test.", now=clock.wall())
        body = {"type": "order.placed", "endpointId": endpoint_id(partner)}

        assert partner.call("POST", f"{WEBHOOKS}/test", body).status == 409
        assert not Event.objects.exists()

    def test_are_nothing_for_a_user_to_send(self, partner: Partner) -> None:
        user = connected(partner)

        assert partner.call("POST", f"{WEBHOOKS}/test", {"type": "order.placed"}, auth_id=user).status == 403
        assert not Event.objects.exists()

    def test_of_the_sandbox_look_just_like_real_ones(self, partner: Partner, receiver: Receiver) -> None:
        path = "/sandbox/{gateway}/webhooks/trigger"
        partner.call("POST", path, {"type": "order.completed"}, headers={"x-gateway-secret": partner.api_secret})
        make.sweep()

        assert "test" not in genuine(partner, receiver.hits[0])

    def test_of_the_sandbox_are_not_there_on_live_gateways(self, eager: None, receiver: Receiver) -> None:
        live = make.partner(webhook_url=receiver.url, is_test=False)

        assert live.call("POST", "/sandbox/{gateway}/webhooks/trigger", {"type": "order.placed"}).status == 404

    @pytest.mark.parametrize("kind", list(EventType))
    def test_of_the_sandbox_exist_of_every_type(self, partner: Partner, receiver: Receiver, kind: EventType) -> None:
        Endpoint.objects.update(types=[one.value for one in EventType])

        assert partner.call("POST", "/sandbox/{gateway}/webhooks/trigger", {"type": kind.value}).status == 200
        make.sweep()

        assert genuine(partner, receiver.hits[0])["broker"] == "kite"
