"""A captured delivery, verified from the command line."""

import io
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.core.management import CommandError, call_command

from gateway.partners.credentials import Credentials
from tests import make
from tests.webhooks import ledger
from webhooks.delivery.dispatcher import signed
from webhooks.delivery.endpoints import NewEndpoint, add_endpoint
from webhooks.models import Event


@pytest.fixture
def made(db: None) -> Credentials:
    return make.credentials(name="demo")


@pytest.fixture
def hook(made: Credentials) -> NewEndpoint:
    return add_endpoint(gateway=made.gateway, url="https://partner.example/hooks", now=made.gateway.created_at)


@pytest.fixture
def request_file(made: Credentials, hook: NewEndpoint, tmp_path: Path) -> Path:
    """A real delivery, saved as it came."""
    event = ledger.event(made.gateway, made.gateway.created_at)
    body, headers = signed(event.deliveries.select_related("event", "endpoint", "gateway").get(), event.created_at)
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    path = tmp_path / "request.txt"
    path.write_bytes(f"POST /hooks HTTP/1.1\r\n{lines}\r\n".encode() + body)
    return path


def verify(*arguments: str) -> None:
    call_command("verify_webhook", *arguments)


def refusal(*arguments: str) -> str:
    with pytest.raises(CommandError) as refused:
        verify(*arguments)
    return str(refused.value)


def test_a_delivery_verifies(
    request_file: Path, made: Credentials, hook: NewEndpoint, capsys: pytest.CaptureFixture[str]
) -> None:
    verify(str(request_file), "--secret", hook.secret, "--api-secret", made.api_secret)

    assert capsys.readouterr().out.splitlines() == [
        "signature  genuine: The signature is correct.",
        "checksum   genuine: The checksum is correct.",
    ]


def test_a_delivery_verifies_with_the_stored_secrets(request_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    verify(str(request_file), "--gateway", "demo")

    assert capsys.readouterr().out.count("genuine") == 2


def test_standard_input_is_read(
    request_file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(request_file.read_bytes())))

    verify("-", "--gateway", "demo")

    assert capsys.readouterr().out.count("genuine") == 2


def test_swapped_secrets_are_named(request_file: Path, made: Credentials, capsys: pytest.CaptureFixture[str]) -> None:
    assert refusal(
        str(request_file), "--gateway", "demo", "--secret", made.jwt_secret, "--api-secret", made.jwt_secret
    ) == ("This webhook does not verify.")

    signature, checksum = capsys.readouterr().out.splitlines()
    assert "it was signed with the secret of https://partner.example/hooks" in signature
    assert "made with the API secret of demo" in checksum
    assert made.api_secret not in signature + checksum


def test_a_webhook_id_of_another_event_is_named(
    request_file: Path, made: Credentials, capsys: pytest.CaptureFixture[str]
) -> None:
    refusal(str(request_file), "--gateway", "demo", "--header", f"webhook-id: evt_{'0' * 24}")

    assert f"id: The webhook-id is wrong: it was signed with {Event.objects.get().key}" in capsys.readouterr().out


def test_what_came_earlier_is_measured_by_when_it_came(request_file: Path, hook: NewEndpoint) -> None:
    verify(str(request_file), "--secret", hook.secret)

    later = ["--received-at", "2030-01-01T00:00:00Z"]
    assert refusal(str(request_file), "--secret", hook.secret, *later) == "This webhook does not verify."


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["missing.txt", "--secret", "x"], "missing.txt: No such file or directory."),
        (["{file}"], "Give --secret, --api-secret or --gateway."),
        (["{file}", "--gateway", "nobody"], "There is no gateway named nobody."),
        (["{file}", "--secret", "x", "--received-at", "noon"], "--received-at must be an ISO 8601 time."),
        (["{file}", "--secret", "x", "--header", "webhook-id"], "'webhook-id' is not a header"),
    ],
)
def test_bad_input_is_refused_in_a_sentence(request_file: Path, arguments: list[str], sentence: str) -> None:
    given = [argument.replace("{file}", str(request_file)) for argument in arguments]

    assert sentence in refusal(*given)
