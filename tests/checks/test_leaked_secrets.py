"""A credential in the repository is found by its shape or by its name; what only sounds like one is not."""

import secrets
from pathlib import Path

import jwt
import pytest
from cryptography.fernet import Fernet

from checks.leaked_secrets import main, suspicions
from gateway.values.ids import new_secret
from webhooks.signing.sign import new_secret as new_webhook_secret

KEY = Fernet.generate_key()
MADE = {
    "webhook secret": new_webhook_secret(),
    "encrypted secret": Fernet(KEY).encrypt(b"x" * 43).decode(),
    "JWT": jwt.encode({"guest": True}, "k" * 43, algorithm="HS256"),
    "AWS key": "AKIA" + "ABCDEFGHIJKLMNOP",
    "GitHub token": "ghp_" + "a1B2" * 9,
    "password in a URL": "postgres://gateway:" + "s3cr3t-words@db.example/gateway",
    "private key": "-----BEGIN RSA " + "PRIVATE KEY-----",
}
NAMED = ('{name} = "{value}"', "{name}={value}", '"{name}": "{value}",', "export {name}='{value}'")
HARMLESS = (
    "api_secret = new_secret()",
    'API_SECRET, JWT_SECRET = "a" * 43, "j" * 43',
    'WRONG_SHAPE = "The authtoken\'s payload must be either"',
    "class_with_a_long_name_about_token = another_name_that_is_long",
    'DATABASE_URL = "postgres://user:password@host:5432/name"',
    "https://example.com/a:b@c",
)


class TestACredential:
    @pytest.mark.parametrize("kind", MADE)
    def test_is_known_by_its_shape(self, kind: str) -> None:
        assert (2, kind) in list(suspicions(f"nothing\nx = {MADE[kind]}\n"))

    @pytest.mark.parametrize("line", NAMED)
    @pytest.mark.parametrize("name", ["SECRET_KEY", "apiSecret", "password", "auth_token", "ENCRYPTION_KEYS"])
    def test_is_known_by_its_name(self, name: str, line: str) -> None:
        made = [new_secret(), secrets.token_hex(32), KEY.decode()]

        found = [list(suspicions(line.format(name=name, value=value))) for value in made]

        assert found == [[(1, "random text with a secret's name")]] * 3

    @pytest.mark.parametrize("line", HARMLESS)
    def test_is_not_suspected_in_a_harmless_line(self, line: str) -> None:
        assert list(suspicions(line)) == []


class TestTheCheck:
    def test_tells_file_and_line(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        leak = tmp_path / "settings.py"
        leak.write_text(f"\n\nHOOK = '{MADE['webhook secret']}'\n")

        assert main([str(leak)]) == 1
        assert capsys.readouterr().out.splitlines() == [
            f"{leak}:3: webhook secret",
            "1 files, 1 suspected credentials.",
        ]

    @pytest.mark.parametrize("name", [".env", ".env.production", "server.key", "id_rsa", "tls.pem"])
    def test_takes_no_file_that_holds_credentials_by_trade(self, tmp_path: Path, name: str) -> None:
        (tmp_path / name).write_text("")

        assert main([str(tmp_path / name)]) == 1
