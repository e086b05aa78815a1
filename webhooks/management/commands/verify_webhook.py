import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from django.utils import timezone

from gateway.cli.management_base import Command as GatewayCommand
from gateway.cli.management_base import console, gateway_named, stop
from gateway.partners import clock
from gateway.partners.authentication import api_secrets, jwt_secrets
from gateway.values.errors import Invalid
from webhooks.delivery.endpoints import signing_secrets
from webhooks.events.selectors import ids_about
from webhooks.models import Endpoint
from webhooks.signing.diagnosis.capture import Captured, Unreadable, read
from webhooks.signing.diagnosis.checksum import diagnose_checksum
from webhooks.signing.diagnosis.known_credentials import Known
from webhooks.signing.diagnosis.search import Cause, Mistake
from webhooks.signing.diagnosis.signature import diagnose_signature

BORNE: Final = (Cause.GENUINE,)
FILES: Final = """
FILE is the whole request as your server received it,

    POST /webhooks HTTP/1.1
    content-type: application/json
    webhook-id: evt_...
    webhook-timestamp: 1795152600
    webhook-signature: v1,...

    {"batchId": ...}

(request line and other headers are optional; everything after the empty line is the body, byte for byte, up to
content-length if given), or only the body, with --header 'webhook-id: ...' for each of the three headers.
`-` reads standard input. A secret that begins with a hyphen needs an equals sign: --api-secret=-...

examples:
  manage.py verify_webhook request.txt --secret whsec_... --api-secret ...
  manage.py verify_webhook request.txt --gateway NAME            with the secrets that are stored
  manage.py verify_webhook body.json --api-secret ... --checksum 9a3c...   why does my code compute another checksum?
"""


class Command(GatewayCommand):
    help = "Find out why a webhook's signature or checksum is wrong: secret, timestamp, id, body, or their order."

    def create_parser(self, *arguments: Any, **options: Any) -> Any:
        return super().create_parser(
            *arguments, formatter_class=RawDescriptionHelpFormatter, epilog=FILES, **options
        )  # fmt: skip

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", help="the captured request, or - for standard input")
        parser.add_argument("--secret", metavar="WHSEC", help="the secret with which you verify the signature")
        parser.add_argument("--api-secret", metavar="SECRET", help="the secret with which you verify the checksum")
        parser.add_argument("--gateway", metavar="NAME", help="compare with this gateway's secrets, or use them")
        parser.add_argument("--header", action="append", default=[], metavar="'NAME: VALUE'", help="may be repeated")
        parser.add_argument("--received-at", metavar="TIME", help="when the request arrived, ISO 8601 (default: now)")
        parser.add_argument("--signature", metavar="VALUE", help="the signature that your code computed")
        parser.add_argument("--checksum", metavar="VALUE", help="the checksum that your code computed")

    def act(self, *, file: str, gateway: str | None, header: list[str], **options: Any) -> None:
        headers = header + ([f"webhook-signature: {options['signature']}"] if options["signature"] else [])
        captured = _captured(file, headers)
        known = _known(gateway, captured) if gateway else Known()
        diagnoses = list(_diagnoses(captured, known, options))
        if not diagnoses:
            stop("Give --secret, --api-secret or --gateway.")
        for part, findings in diagnoses:
            for finding in findings:
                console().print(f"{part:10} {finding.cause}: {finding.sentence}", markup=False)
        if any(finding.cause not in BORNE for _, findings in diagnoses for finding in findings):
            stop("This webhook does not verify.")


def _diagnoses(captured: Captured, known: Known, options: Any) -> Iterator[tuple[str, Sequence[Mistake]]]:
    secret = options["secret"] or next(iter(known.webhook.values()), None)
    if secret is not None:
        now = _moment(options["received_at"])
        yield "signature", diagnose_signature(captured, secret=secret, known=known, now=now)
    api_secret = options["api_secret"] or next(iter(known.api.values()), None)
    if api_secret is not None:
        yield "checksum", diagnose_checksum(captured, api_secret=api_secret, known=known, computed=options["checksum"])


def _captured(file: str, headers: list[str]) -> Captured:
    try:
        content = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
        return read(content, headers=headers)
    except OSError as error:
        stop(f"{file}: {error.strerror}.")
    except Unreadable as error:
        stop(str(error))


def _moment(given: str | None) -> datetime:
    if given is None:
        return clock.wall()
    try:
        moment = datetime.fromisoformat(given)
    except ValueError:
        raise Invalid("--received-at must be an ISO 8601 time.") from None
    return moment if timezone.is_aware(moment) else timezone.make_aware(moment)


def _known(name: str, captured: Captured) -> Known:
    gateway = gateway_named(name)
    return Known(
        api=_named(f"API secret of {name}", api_secrets(gateway)),
        jwt=_named(f"JWT secret of {name}", jwt_secrets(gateway)),
        webhook={
            name: secret
            for endpoint in Endpoint.objects.filter(gateway=gateway).order_by("-is_enabled", "pk")
            for name, secret in _named(f"secret of {endpoint.url}", signing_secrets(endpoint)).items()
        },
        ids=ids_about(gateway, captured.body),
    )


def _named(what: str, secrets: Sequence[str]) -> dict[str, str]:
    """The current secret first, then the previous one."""
    return {f"the {age}{what}": secret for age, secret in zip(("", "previous "), secrets, strict=False)}
