"""Who is calling. Every refusal is one of the closed list, with a sentence that echoes no secret."""

from dataclasses import dataclass
from datetime import timedelta

import pytest
from pytest_django import DjangoAssertNumQueries

from gateway.models import Account
from gateway.partners import clock
from gateway.partners.authentication import Caller, partner_caller, sandbox_caller
from gateway.partners.credentials import Credentials, retire, rotate
from gateway.values.errors import (
    ConnectedUserRequired,
    GatewayError,
    InvalidJWT,
    InvalidSecret,
    UnknownGateway,
    WrongSecret,
)
from gateway.values.ids import new_object_id
from gateway.values.tokens import WrongSignature, connected_token, guest_token
from tests import make


@dataclass
class Sent:
    gateway: str
    secret: str
    token: str

    def caller(self) -> Caller:
        return partner_caller(self.gateway, self.secret, self.token, now=clock.wall())


@pytest.fixture
def made(db: None) -> Credentials:
    return make.credentials()


@pytest.fixture
def sent(made: Credentials) -> Sent:
    """A guest's call, as it should be."""
    return Sent(made.gateway.name, made.api_secret, guest_token(made.jwt_secret))


def account(made: Credentials) -> Account:
    return Account.objects.create(
        gateway=made.gateway, auth_id=new_object_id(), broker="kite", client_id="happy", created_at=clock.wall()
    )


def refusal(sent: Sent) -> tuple[type[GatewayError], str]:
    with pytest.raises(GatewayError) as raised:
        sent.caller()
    (sentence,) = raised.value.sentences
    assert sent.secret not in sentence or not sent.secret
    return type(raised.value), sentence


class TestPartnerCaller:
    def test_is_a_guest(self, made: Credentials, sent: Sent) -> None:
        assert sent.caller() == Caller(gateway=made.gateway, account=None)

    def test_is_a_connected_user_with_all_that_is_known_of_the_account(self, made: Credentials, sent: Sent) -> None:
        known = account(made)
        sent.token = connected_token(made.jwt_secret, auth_id=known.auth_id)

        found = sent.caller().account

        assert found is not None
        assert {name: getattr(found, name) for name in ("pk", "auth_id", "broker", "client_id", "created_at")} == {
            "pk": known.pk,
            "auth_id": known.auth_id,
            "broker": "kite",
            "client_id": "happy",
            "created_at": known.created_at,
        }

    @pytest.mark.parametrize("connected", [False, True])
    def test_is_found_with_one_query(
        self, made: Credentials, sent: Sent, django_assert_num_queries: DjangoAssertNumQueries, connected: bool
    ) -> None:
        tokens = guest_token(made.jwt_secret), connected_token(made.jwt_secret, auth_id=account(made).auth_id)
        sent.token = tokens[connected]

        with django_assert_num_queries(1):
            assert (sent.caller().account is not None) is connected

    @pytest.mark.parametrize("name", ["nobody", "", "NOBODY"])
    def test_needs_a_gateway(self, sent: Sent, name: str) -> None:
        sent.gateway = name

        assert refusal(sent) == (UnknownGateway, "There is no gateway with this name.")

    @pytest.mark.parametrize(
        ("secret", "refused", "sentence"),
        [
            ("", InvalidSecret, "The header x-gateway-secret is missing."),
            ("x" * 43, WrongSecret, "x-gateway-secret is not this gateway's API secret."),
            ("₹", WrongSecret, "x-gateway-secret is not this gateway's API secret."),
        ],
    )
    def test_needs_the_secret(self, sent: Sent, secret: str, refused: type[InvalidSecret], sentence: str) -> None:
        sent.secret = secret

        assert refusal(sent) == (refused, sentence)

    @pytest.mark.parametrize(
        ("token", "sentence"),
        [("", "The header x-gateway-authtoken is missing."), ("x.y.z", "The authtoken is not a JWT.")],
    )
    def test_needs_a_token(self, sent: Sent, token: str, sentence: str) -> None:
        sent.token = token

        assert refusal(sent) == (InvalidJWT, sentence)

    def test_takes_no_token_of_another_signature(self, sent: Sent) -> None:
        sent.token = guest_token("x" * 43)

        assert refusal(sent) == (WrongSignature, "The authtoken's signature does not match the JWT secret.")

    def test_takes_no_secret_of_another_gateway(self, sent: Sent) -> None:
        sent.secret = make.credentials().api_secret

        assert refusal(sent)[0] is WrongSecret

    def test_says_when_the_jwt_secret_is_sent_for_the_api_secret(self, made: Credentials, sent: Sent) -> None:
        sent.secret = made.jwt_secret

        assert refusal(sent) == (InvalidSecret, "x-gateway-secret contains the JWT secret; send the API secret.")

    def test_says_when_the_token_is_signed_with_the_api_secret(self, made: Credentials, sent: Sent) -> None:
        sent.token = guest_token(made.api_secret)

        assert refusal(sent) == (
            InvalidJWT,
            "The authtoken is signed with the API secret; sign it with the JWT secret.",
        )

    def test_takes_no_user_of_another_gateway(self, made: Credentials, sent: Sent) -> None:
        stranger = account(make.credentials())
        sent.token = connected_token(made.jwt_secret, auth_id=stranger.auth_id)

        assert refusal(sent) == (
            InvalidJWT,
            "The authtoken's smallcaseAuthId is not one of this gateway's users.",
        )

    def test_takes_no_user_that_is_nobody(self, made: Credentials, sent: Sent) -> None:
        sent.token = connected_token(made.jwt_secret, auth_id="0" * 24)

        assert refusal(sent)[0] is InvalidJWT

    def test_takes_old_and_new_secrets_during_a_rotation(self, made: Credentials, sent: Sent) -> None:
        new = Sent(sent.gateway, rotate(made.gateway, kind="api"), guest_token(rotate(made.gateway, kind="jwt")))

        assert sent.caller().gateway == new.caller().gateway == made.gateway

    def test_takes_no_api_secret_that_was_retired(self, made: Credentials, sent: Sent) -> None:
        rotate(made.gateway, kind="api")
        retire(made.gateway, kind="api")

        assert refusal(sent) == (WrongSecret, "x-gateway-secret is not this gateway's API secret.")

    def test_takes_no_jwt_secret_that_was_retired(self, made: Credentials, sent: Sent) -> None:
        rotate(made.gateway, kind="jwt")
        retire(made.gateway, kind="jwt")

        assert refusal(sent) == (WrongSignature, "The authtoken's signature does not match the JWT secret.")

    def test_says_what_is_wrong_with_a_token_of_the_current_secret(self, made: Credentials, sent: Sent) -> None:
        sent.token = guest_token(rotate(made.gateway, kind="jwt"), expires_at=clock.wall().replace(year=2000))

        refused, sentence = refusal(sent)
        assert refused is InvalidJWT
        assert sentence.startswith("The authtoken has expired: its exp is more than a year behind our clock")

    def test_says_what_is_wrong_with_a_token_of_the_previous_secret(self, made: Credentials, sent: Sent) -> None:
        sent.token = guest_token(made.jwt_secret, issued_at=clock.wall() + timedelta(hours=1))
        rotate(made.gateway, kind="jwt")

        refused, sentence = refusal(sent)
        assert refused is InvalidJWT
        assert sentence.startswith("The authtoken is not valid yet: its iat is 3600 s ahead of our clock")


class TestConnected:
    def test_is_the_account(self, made: Credentials) -> None:
        known = account(made)

        assert Caller(made.gateway, known).connected() == known

    def test_is_not_a_guest(self, made: Credentials) -> None:
        with pytest.raises(ConnectedUserRequired):
            Caller(made.gateway, None).connected()


class TestSandboxCaller:
    def test_needs_the_secret_alone(self, made: Credentials) -> None:
        assert sandbox_caller(made.gateway.name, made.api_secret) == Caller(made.gateway, None)

    def test_is_refused_with_another_secret(self, made: Credentials) -> None:
        with pytest.raises(InvalidSecret):
            sandbox_caller(made.gateway.name, made.jwt_secret)

    def test_does_not_exist_on_a_live_gateway(self, db: None) -> None:
        live = make.credentials(is_test=False)

        with pytest.raises(UnknownGateway):
            sandbox_caller(live.gateway.name, live.api_secret)
