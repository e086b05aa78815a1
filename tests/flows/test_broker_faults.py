"""Faults of a broker, switched on and off through the Sandbox API (contract §8)."""

from typing import Any, Final

import pytest

from brokers.models import BrokerOutage
from brokers.ports.registry import BROKERS
from gateway.models import Gateway
from gateway.partners import clock
from tests import make
from tests.flows import stage
from tests.flows.refusal import assert_refused
from tests.partner import Answer, Partner

NONE: Final = dict.fromkeys(("login", "funds", "holdings", "place", "order_book", "cancel"))


def faults(partner: Partner, method: str = "GET", body: Any = None, *, broker: str = "kite") -> Answer:
    return partner.call(method, f"/sandbox/{{gateway}}/brokers/{broker}/faults", body)


class TestTheFaults:
    def test_are_none_at_first(self, caller: Partner) -> None:
        answer = faults(caller)

        assert (answer.status, answer.data) == (200, NONE)

    def test_are_those_that_were_put_until_they_are_cleared(self, caller: Partner) -> None:
        put = faults(caller, "PUT", {"place": "unanswered", "order_book": "slow:1.5", "login": "session_ended"})
        more = faults(caller, "PUT", {"place": None, "funds": "rate_limited:3"})

        assert put.data == NONE | {"place": "unanswered", "order_book": "slow:1.5", "login": "session_ended"}
        assert more.data == NONE | {"order_book": "slow:1.5", "funds": "rate_limited:3", "login": "session_ended"}
        assert faults(caller).data == more.data
        assert (faults(caller, "DELETE").data, faults(caller).data) == (NONE, NONE)

    @pytest.mark.parametrize("broker", BROKERS)
    def test_are_of_each_broker_apart(self, caller: Partner, broker: str) -> None:
        faults(caller, "PUT", {"place": "unreachable"}, broker=broker)

        touched = [other for other in BROKERS if faults(caller, broker=other).data != NONE]
        assert touched == [broker]

    def test_are_each_gateways_own(self, caller: Partner) -> None:
        faults(caller, "PUT", {"place": "unreachable"})

        assert faults(make.partner()).data == NONE

    def test_go_with_a_reset(self, caller: Partner) -> None:
        faults(caller, "PUT", {"place": "unreachable"})

        caller.call("POST", "/sandbox/{gateway}/reset")

        assert faults(caller).data == NONE

    @pytest.mark.parametrize(
        ("body", "sentence"),
        [
            ({"place": "down"}, "place: must be unreachable, unanswered, slow:<seconds>, rate_limited:<seconds>, "),
            ({"place": "slow"}, "place: must be unreachable"),
            ({"place": "lost"}, "place: must be unreachable"),
            ({"place": 3}, "place: must be a string."),
            ({"orderBook": "unreachable"}, "orderBook: is not a verb of a broker."),
            (["place"], "must be an object."),
        ],
    )
    def test_are_refused_where_they_are_none(self, caller: Partner, body: Any, sentence: str) -> None:
        answer = faults(caller, "PUT", body)

        assert_refused(answer, 400, "ValidationError")
        assert sentence in answer.errors[0]
        assert faults(caller).data == NONE

    @pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
    def test_are_of_no_unknown_broker(self, caller: Partner, method: str) -> None:
        answer = faults(caller, method, {}, broker="robinhood")

        assert_refused(answer, 404, "NotFound")
        assert "kite" in answer.errors[0]

    @pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
    def test_are_unknown_to_a_live_gateway(self, db: None, method: str) -> None:
        assert_refused(faults(make.partner(is_test=False), method, {}), 404, "InvalidGateway")

    def test_are_listed_among_the_scenarios(self, caller: Partner) -> None:
        listed = stage.scenarios(caller)["faults"]

        named = [row["fault"].replace("<seconds>", "2") for row in listed]
        assert named == ["unreachable", "unanswered", "slow:2", "rate_limited:2", "session_ended"]
        assert all(faults(caller, "PUT", {verb: name}).status == 200 for name in named for verb in NONE)
        assert all(row["verbs"] == list(NONE) for row in listed)


class TestAFault:
    def test_lets_no_user_log_in(self, partner: Partner) -> None:
        faults(partner, "PUT", {"login": "unreachable"})
        made = partner.create()

        answer = partner.complete(made)

        assert (answer.status, answer.error_type) == (503, "ServiceUnavailable")
        assert partner.details(made)["status"] == "INITIALIZED"

    def test_that_is_cleared_has_the_broker_asked_at_once(self, partner: Partner) -> None:
        outage = make.outage(Gateway.objects.get(name=partner.name), "kite")

        faults(partner, "DELETE")

        assert BrokerOutage.objects.get(pk=outage.pk).probe_at <= clock.wall()

    def test_of_one_broker_delays_nobody_at_another(self, partner: Partner) -> None:
        faults(partner, "PUT", dict.fromkeys(NONE, "unreachable"))

        assert stage.played(partner, broker="groww")["status"] == "COMPLETED"
