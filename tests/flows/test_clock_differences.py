"""A partner's clock differs from ours by some seconds, and nobody is shut out for that."""

from datetime import datetime, timedelta
from typing import Any

import jwt
import pytest

from gateway.partners import clock
from tests.partner import Answer, Partner

CATALOGUE = "/v1/{gateway}/engine/smallcases"


def ask(partner: Partner, **claims: datetime) -> Answer:
    token = jwt.encode({"guest": True, **claims}, partner.jwt_secret, algorithm="HS256")
    return partner.call("GET", CATALOGUE, headers=partner.headers() | {"x-gateway-authtoken": token})


class TestAToken:
    @pytest.mark.parametrize(
        "by", [timedelta(seconds=2), timedelta(seconds=50), timedelta(0), timedelta(days=-4000)], ids=str
    )
    def test_issued_up_to_a_minute_ahead_or_long_ago_is_accepted(self, partner: Partner, by: timedelta) -> None:
        assert ask(partner, iat=clock.wall() + by, nbf=clock.wall() + by).status == 200

    def test_that_ended_a_moment_ago_is_accepted(self, partner: Partner) -> None:
        assert ask(partner, exp=clock.wall() - timedelta(seconds=2)).status == 200

    @pytest.mark.parametrize("claim", ["iat", "nbf"])
    def test_issued_an_hour_ahead_is_refused_by_its_skew(self, partner: Partner, claim: str) -> None:
        answer = ask(partner, **{claim: clock.wall() + timedelta(hours=1)})

        assert (answer.status, answer.error_type) == (401, "InvalidJWT")
        (sentence,) = answer.errors
        assert f"its {claim} is 3" in sentence
        assert "s ahead of our clock; up to 60 s is accepted." in sentence

    def test_follows_the_wall_and_not_the_gateways_clock(self, partner: Partner) -> None:
        partner.advance("P2D")

        assert ask(partner, exp=clock.wall() + timedelta(minutes=5)).status == 200
        assert ask(partner, iat=clock.wall() + timedelta(days=2)).status == 401


class TestTheGatewaysOwnToken:
    def test_names_when_it_was_issued_and_when_it_ends_by_the_wall(self, partner: Partner) -> None:
        partner.advance("P2D")
        before = int(clock.wall().timestamp())

        answer = partner.complete(partner.create(), "happy")

        claims: dict[str, Any] = jwt.decode(
            answer.data["smallcaseAuthToken"], partner.jwt_secret, algorithms=["HS256"], options={"verify_iat": False}
        )
        assert before <= claims["iat"] <= clock.wall().timestamp()
        assert claims["exp"] - claims["iat"] == 3600
