from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from gateway.cli.management_base import Command as GatewayCommand
from gateway.cli.management_base import gateway_named, stop
from gateway.partners import clock
from gateway.partners.authentication import jwt_secrets
from gateway.values.ids import is_object_id
from gateway.values.tokens import connected_token, guest_token


class Command(GatewayCommand):
    help = "Create an x-gateway-authtoken for a gateway."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="the gateway's name")
        who = parser.add_mutually_exclusive_group()
        who.add_argument("--guest", action="store_true", help="for a guest (default)")
        who.add_argument("--auth-id", help="for the connected user with this smallcaseAuthId")
        parser.add_argument("--ttl", type=int, metavar="SECONDS", help="lifetime in seconds (default: no expiry)")

    def act(self, *, name: str, auth_id: str | None, ttl: int | None, **options: Any) -> None:
        gateway = gateway_named(name)
        if ttl is not None and ttl <= 0:
            stop("--ttl must be above zero.")
        now = clock.wall()
        expires_at = now + timedelta(seconds=ttl) if ttl else None
        secret = jwt_secrets(gateway)[0]
        if auth_id is None:
            self.stdout.write(guest_token(secret, issued_at=now, expires_at=expires_at))
            return
        if not is_object_id(auth_id) or not gateway.accounts.filter(auth_id=auth_id).exists():
            stop(f"{auth_id} is not a smallcaseAuthId of {name}.")
        self.stdout.write(connected_token(secret, auth_id=auth_id, issued_at=now, expires_at=expires_at))
