"""Who asks too often is told when to come back, and nobody else is."""

from dataclasses import replace
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from gateway.api import rate_limits
from smallcases.api.manager_tokens import issue_token
from tests import make
from tests.flows import stage
from tests.partner import Answer, Partner

MARKET = "/sandbox/{gateway}/market"
INVESTMENTS = "/v1/{gateway}/engine/user/investments"


def counts(answer: Answer) -> tuple[int, list[str | None]]:
    return answer.status, [answer.headers.get(f"RateLimit-{name}") for name in ("Limit", "Remaining")]


class TestAGateway:
    def test_is_told_what_it_has_left_and_then_to_wait(self, partner: Partner, settings: Any) -> None:
        settings.RATE_LIMIT_GATEWAY = "3/day"

        answers = [partner.call("GET", MARKET) for _ in range(4)]

        assert [counts(answer) for answer in answers] == [
            (200, ["3", "2"]),
            (200, ["3", "1"]),
            (200, ["3", "0"]),
            (429, ["3", "0"]),
        ]
        last = answers[-1]
        assert last.error_type == "RateLimited"
        assert last.headers["Retry-After"] == last.headers["RateLimit-Reset"]
        assert last.errors == [f"More than 3 requests in 86400 s; try again in {last.headers['Retry-After']} s."]
        assert 1 <= int(last.headers["Retry-After"]) <= 86_400

    def test_pays_for_all_planes_and_for_what_is_refused(self, partner: Partner, settings: Any) -> None:
        settings.RATE_LIMIT_GATEWAY = "5/day"

        answers = [
            partner.call("POST", "/gateway/{gateway}/transaction", {"intent": "nonsense"}),
            partner.call("GET", "/v1/{gateway}/engine/transactiondetails", query={"transactionId": "none"}),
            partner.call("GET", MARKET),
            partner.call("DELETE", MARKET),
        ]

        assert [counts(answer) for answer in answers] == [
            (400, ["5", "4"]),
            (404, ["5", "3"]),
            (200, ["5", "2"]),
            (405, ["5", "1"]),
        ]

    def test_does_not_pay_for_another(self, partner: Partner, settings: Any) -> None:
        settings.RATE_LIMIT_GATEWAY = "1/day"
        partner.call("GET", MARKET)

        assert counts(make.partner().call("GET", MARKET)) == (200, ["1", "0"])

    def test_carries_nothing_out_when_it_asked_too_often(self, partner: Partner, settings: Any) -> None:
        settings.RATE_LIMIT_GATEWAY = "1/day"
        partner.call("GET", MARKET)

        answer = partner.call("POST", MARKET, {"hours": "closed"}, headers=partner.headers(**{"Idempotency-Key": "k"}))
        settings.RATE_LIMIT_GATEWAY = ""
        again = partner.call("POST", MARKET, {"hours": "closed"}, headers=partner.headers(**{"Idempotency-Key": "k"}))

        assert (answer.status, again.status) == (429, 200)
        assert "Idempotency-Replayed" not in again.headers

    def test_is_told_nothing_where_there_is_no_limit(self, partner: Partner) -> None:
        assert counts(partner.call("GET", MARKET)) == (200, [None, None])


class TestAnAccount:
    def test_uses_up_its_own_share_and_not_the_partners(self, partner: Partner, settings: Any) -> None:
        auth_id = stage.connected(partner)
        settings.RATE_LIMIT_GATEWAY, settings.RATE_LIMIT_ACCOUNT = "10/day", "2/day"

        greedy = [partner.call("GET", INVESTMENTS, auth_id=auth_id) for _ in range(6)]
        guest = partner.call("GET", MARKET)

        assert [counts(answer) for answer in greedy] == [
            (200, ["2", "1"]),
            (200, ["2", "0"]),
            *[(429, ["2", "0"])] * 4,
        ]
        assert counts(guest) == (200, ["10", "7"])

    def test_is_told_of_the_tighter_limit(self, partner: Partner, settings: Any) -> None:
        auth_id = stage.connected(partner)
        settings.RATE_LIMIT_GATEWAY, settings.RATE_LIMIT_ACCOUNT = "3/day", "10/day"

        assert counts(partner.call("GET", INVESTMENTS, auth_id=auth_id)) == (200, ["3", "2"])


class TestWrongSecrets:
    @pytest.fixture(autouse=True)
    def _two(self, settings: Any) -> None:
        settings.RATE_LIMIT_WRONG_SECRETS = "2/day"

    def guess(self, partner: Partner, **more: str) -> Answer:
        return partner.call("GET", MARKET, headers=partner.headers() | {"x-gateway-secret": "wrong"} | more)

    def test_are_refused_as_such_and_then_for_their_number(self, partner: Partner) -> None:
        answers = [self.guess(partner) for _ in range(3)]

        assert [counts(answer) for answer in answers] == [(401, ["2", "1"]), (401, ["2", "0"]), (429, [None, None])]
        assert answers[-1].error_type == "RateLimited"
        assert int(answers[-1].headers["Retry-After"]) >= 1

    def test_never_shut_out_the_right_one(self, partner: Partner, settings: Any) -> None:
        settings.RATE_LIMIT_WRONG_SECRETS = "20/day"
        wrong = [self.guess(partner).status for _ in range(21)]

        assert wrong == [*[401] * 20, 429]
        for path in (MARKET, "/v1/{gateway}/engine/smallcases"):
            assert partner.call("GET", path).status == 200
        assert self.guess(partner).status == 429

    def test_cannot_be_spread_over_spellings_of_the_name(self, partner: Partner) -> None:
        names = [partner.name, partner.name.upper(), partner.name.title()]
        statuses = [self.guess(replace(partner, name=name)).status for name in names]

        assert statuses == [401, 401, 429]

    def test_beyond_the_limit_are_told_apart_by_no_process(
        self, partner: Partner, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Another web process has counted the first two; this one was told nothing of it."""
        for _ in range(2):
            self.guess(partner)
        monkeypatch.setattr(rate_limits, "shut_out", rate_limits.ShutOut())

        assert self.guess(partner).status == 429
        assert partner.call("GET", MARKET).status == 200

    def test_leave_a_users_right_token_alone_and_so_do_wrong_tokens(self, partner: Partner) -> None:
        auth_id = stage.connected(partner)
        for _ in range(3):
            self.guess(partner)
            partner.call("GET", INVESTMENTS, headers=partner.headers() | {"x-gateway-authtoken": "x.y.z"})

        assert partner.call("GET", INVESTMENTS, auth_id=auth_id).status == 200

    def test_do_not_shut_the_partner_out_elsewhere(self, partner: Partner, settings: Any) -> None:
        settings.PROXIES_IN_FRONT = 1
        for _ in range(3):
            self.guess(partner, **{"X-Forwarded-For": "203.0.113.9"})

        here = partner.call("GET", MARKET, headers=partner.headers(**{"X-Forwarded-For": "198.51.100.1"}))
        other = make.partner()
        there = other.call("GET", MARKET, headers=other.headers(**{"X-Forwarded-For": "203.0.113.9"}))

        assert (here.status, there.status) == (200, 200)

    def test_are_not_escaped_by_a_made_up_header(self, partner: Partner) -> None:
        answers = [self.guess(partner, **{"X-Forwarded-For": f"203.0.113.{n}"}).status for n in range(3)]

        assert answers == [401, 401, 429]

    def test_are_none_where_the_caller_is_the_partner(self, partner: Partner) -> None:
        """A missing header, the JWT secret in the wrong place, one user's spoiled token: mistakes, not guesses."""
        mistakes = [
            {},
            partner.headers() | {"x-gateway-secret": partner.jwt_secret},
            partner.headers() | {"x-gateway-authtoken": "spoiled"},
        ]
        path = "/v1/{gateway}/engine/smallcases"
        statuses = {partner.call("GET", path, headers=one).status for one in mistakes * 3}

        assert statuses == {401}
        assert partner.call("GET", path).status == 200

    def test_of_managers_count_as_well_and_the_right_one_passes(self, db: None) -> None:
        right = issue_token(user=User.objects.create_superuser("meera"))

        def status(token: str) -> int:
            path = "/manager/v1/smallcases/SCNM_0001/rebalances"
            return Client().get(path, headers={"Authorization": f"Token {token}"}).status_code

        assert [status("x") for _ in range(3)] == [401, 401, 429]
        assert status(right) == 404  # known, and there is no such smallcase


class TestAManager:
    def test_is_counted_by_user(self, partner: Partner, settings: Any) -> None:
        settings.RATE_LIMIT_ACCOUNT = "1/day"
        tokens = [issue_token(user=User.objects.create_superuser(name)) for name in ("meera", "ravi")]

        statuses = [
            Client().get("/manager/v1/smallcases/NONE_0001/rebalances", headers={"Authorization": f"Token {key}"})
            for key in (tokens[0], tokens[0], tokens[1])
        ]

        assert [(answer.status_code, answer["RateLimit-Limit"]) for answer in statuses] == [
            (404, "1"),
            (429, "1"),
            (404, "1"),
        ]
