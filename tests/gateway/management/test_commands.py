"""The operators' commands: what they print, and what they refuse without a trace."""

import json
from io import StringIO
from typing import Any

import jwt
import pytest
from cryptography.fernet import Fernet
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command

from gateway.database.encryption import decrypt, encrypt
from gateway.models import Account, AuthenticatorApp, Gateway
from gateway.partners import clock
from gateway.partners.authentication import api_secrets, jwt_secrets
from gateway.partners.credentials import Credentials, rotate
from gateway.values.tokens import Bearer, bearer
from tests import make
from webhooks.delivery.endpoints import add_endpoint
from webhooks.models import Endpoint

URL = "https://partner.example/hooks"


def run(*arguments: str) -> str:
    out = StringIO()
    call_command(*arguments, stdout=out, stderr=StringIO())
    return out.getvalue()


class TestCreateGateway:
    def test_prints_one_json_object(self, db: None) -> None:
        printed = json.loads(run("create_gateway", "demo", "--webhook-url", URL, "--json"))

        row = Gateway.objects.get(name="demo")
        assert printed == {
            "name": "demo",
            "apiSecret": api_secrets(row)[0],
            "jwtSecret": jwt_secrets(row)[0],
            "webhookUrl": URL,
            "webhookSecret": decrypt(row.endpoints.get().encrypted_secret),
            "test": True,
        }

    def test_prints_a_line_per_credential(self, db: None) -> None:
        names = [line.split()[0] for line in run("create_gateway", "demo").splitlines()]

        assert names == ["name", "apiSecret", "jwtSecret", "webhookUrl", "webhookSecret", "test"]

    @pytest.mark.parametrize(("flags", "is_test"), [((), True), (("--test",), True), (("--live",), False)])
    def test_makes_a_test_gateway_unless_told(self, db: None, flags: tuple[str, ...], is_test: bool) -> None:
        run("create_gateway", "demo", *flags)

        assert Gateway.objects.get().is_test is is_test

    def test_takes_several_origins(self, db: None) -> None:
        origins = ["--allowed-origin", "https://A.example", "--allowed-origin", "http://localhost:3000"]
        run("create_gateway", "demo", *origins)

        assert Gateway.objects.get().allowed_origins == ["https://a.example", "http://localhost:3000"]

    @pytest.mark.parametrize(
        ("arguments", "sentence"),
        [
            (("a.b",), "NAME must be 1 to 63 letters, digits, hyphens and underscores, the first a letter or a digit."),
            (("demo", "--allowed-origin", "http://shop.example"), "http://shop.example is not an origin"),
            (("demo", "--allowed-origin", "https://["), "is not an origin"),
            (("demo", "--webhook-url", "ftp://partner.example"), "must be an http or https URL"),
            (("demo", "--webhook-url", "https://u:p@partner.example"), "must not carry credentials"),
            (("demo", "--webhook-url", "https://["), "malformed"),
        ],
    )
    def test_refuses_bad_input_without_a_trace(self, db: None, arguments: tuple[str, ...], sentence: str) -> None:
        with pytest.raises(CommandError) as refusal:
            run("create_gateway", *arguments)

        assert sentence in str(refusal.value)
        assert not Gateway.objects.exists()

    def test_refuses_a_name_that_is_taken(self, db: None) -> None:
        run("create_gateway", "demo")

        with pytest.raises(CommandError, match="A gateway named demo already exists"):
            run("create_gateway", "demo", "--webhook-url", URL)

        assert (Gateway.objects.count(), Endpoint.objects.count()) == (1, 0)


class TestToken:
    @pytest.fixture
    def made(self, db: None) -> Credentials:
        return make.credentials(name="demo")

    @pytest.fixture
    def account(self, made: Credentials) -> Account:
        return Account.objects.create(
            gateway=made.gateway, auth_id="a" * 24, broker="kite", client_id="happy", created_at=clock.wall()
        )

    @pytest.mark.parametrize("flags", [(), ("--guest",)])
    def test_is_a_guests_unless_told(self, made: Credentials, flags: tuple[str, ...]) -> None:
        assert bearer(run("token", "demo", *flags).strip(), made.jwt_secret, now=clock.wall()) == Bearer(auth_id=None)

    def test_is_a_connected_users(self, made: Credentials, account: Account) -> None:
        token = run("token", "demo", "--auth-id", account.auth_id).strip()

        assert bearer(token, made.jwt_secret, now=clock.wall()) == Bearer(auth_id=account.auth_id)

    def test_ends_when_told(self, made: Credentials, still: None) -> None:
        token = run("token", "demo", "--ttl", "60").strip()

        claims = jwt.decode(token, made.jwt_secret, algorithms=["HS256"])
        assert claims["iat"] == int(clock.wall().timestamp())
        assert claims["exp"] - claims["iat"] == 60

    def test_is_signed_with_the_current_secret(self, made: Credentials) -> None:
        new = rotate(made.gateway, kind="jwt")

        assert bearer(run("token", "demo").strip(), new, now=clock.wall()) == Bearer(auth_id=None)

    @pytest.mark.parametrize(
        ("arguments", "sentence"),
        [
            (("nobody",), "There is no gateway named nobody."),
            (("demo", "--ttl", "0"), "--ttl must be above zero."),
            (("demo", "--ttl", "-5"), "--ttl must be above zero."),
            (("demo", "--auth-id", "b" * 24), f"{'b' * 24} is not a smallcaseAuthId of demo."),
            (("demo", "--auth-id", "x"), "x is not a smallcaseAuthId of demo."),
        ],
    )
    def test_is_not_minted_from_bad_input(self, made: Credentials, arguments: tuple[str, ...], sentence: str) -> None:
        with pytest.raises(CommandError) as refusal:
            run("token", *arguments)

        assert str(refusal.value) == sentence

    def test_is_not_minted_for_another_gateways_user(self, account: Account) -> None:
        make.credentials(name="other")

        with pytest.raises(CommandError):
            run("token", "other", "--auth-id", account.auth_id)


class TestReencryptSecrets:
    def test_needs_the_old_key_no_more(self, db: None, settings: Any) -> None:
        made = make.credentials()
        hook = add_endpoint(gateway=made.gateway, url=URL, now=clock.wall())
        AuthenticatorApp.objects.create(user=User.objects.create_user("asha"), encrypted_key=encrypt("00ff"))
        newest = Fernet.generate_key().decode()
        settings.ENCRYPTION_KEYS = [newest, *settings.ENCRYPTION_KEYS]

        printed = run("reencrypt_secrets")

        settings.ENCRYPTION_KEYS = [newest]
        row = Gateway.objects.get()
        assert "gateway_gateway.encrypted_api_secret: 1 read, 1 re-encrypted\n" in printed
        assert (api_secrets(row), jwt_secrets(row)) == ([made.api_secret], [made.jwt_secret])
        assert decrypt(row.endpoints.get().encrypted_secret) == hook.secret
        assert decrypt(AuthenticatorApp.objects.get().encrypted_key) == "00ff"
