"""Who takes part: partners with a main endpoint and one to be sacrificed, and smallcases to invest in.

Run as a module in the environment of a stack, it makes them there and prints them as JSON.
"""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

from tests.chaos.receiver import Receiver, Secrets
from tests.processes.wire import DistantPartner
from tests.servers import ROOT

MAIN, SACRIFICED = "main", "sacrificed"


@dataclass(frozen=True, slots=True)
class Member:
    """A partner, and the secrets of its two endpoints."""

    name: str
    api_secret: str
    jwt_secret: str
    hooks: Mapping[str, str]

    def place(self, role: str) -> str:
        """The path of an endpoint at the receiver."""
        return f"/{self.name}/{role}"

    def on(self, base: str) -> DistantPartner:
        return DistantPartner(self.name, self.api_secret, self.jwt_secret, base=base)


def gathered(*, partners: int, receiver: Receiver, environment: Mapping[str, str]) -> list[Member]:
    """Made in the database that `environment` names; the receiver knows their secrets afterwards."""
    command = [sys.executable, "-m", __name__, str(partners), receiver.url("")]
    done = subprocess.run(
        command, check=False, cwd=ROOT, env=dict(environment), capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    members = [Member(**one) for one in json.loads(done.stdout.splitlines()[-1])]
    for member in members:
        for role in (MAIN, SACRIFICED):
            receiver.secrets[member.place(role)] = Secrets(member.api_secret, member.hooks[role])
    return members


def make(partners: int, url: str) -> list[dict[str, Any]]:
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "gateway.settings")
    django.setup()
    from gateway.partners import clock
    from gateway.partners.credentials import create_gateway
    from webhooks.delivery.endpoints import add_endpoint
    from webhooks.events.event_types import EventType

    now: Final = clock.wall()
    made = []
    for number in range(partners):
        credentials = create_gateway(name=f"chaos-{number}", is_test=True, allowed_origins=[], now=now)
        gateway = credentials.gateway
        hooks = {
            role: add_endpoint(gateway=gateway, url=f"{url}/{gateway.name}/{role}", types=tuple(EventType), now=now)
            for role in (MAIN, SACRIFICED)
        }
        secrets = {role: hook.secret for role, hook in hooks.items()}
        made.append(asdict(Member(gateway.name, credentials.api_secret, credentials.jwt_secret, secrets)))
    return made


if __name__ == "__main__":
    print(json.dumps(make(int(sys.argv[1]), sys.argv[2])))
