"""Forwards a gateway's events to a developer's machine, signed like deliveries. Changes no delivery."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from gateway.database.encryption import encrypt
from gateway.models import Gateway
from gateway.partners import clock
from webhooks.delivery import client
from webhooks.delivery.dispatcher import signed
from webhooks.models import Delivery, Endpoint, Event
from webhooks.signing.sign import new_secret

WAITS: Final = (1.0, 2.0, 4.0, 8.0, 15.0, 30.0)


@dataclass(frozen=True, slots=True)
class Signers:
    """The secrets that sign: an endpoint's, or a new one, which `shown` contains for the developer."""

    endpoint: Endpoint
    shown: str | None


def signers(gateway: Gateway, *, secret: str | None) -> Signers:
    """The given secret; otherwise that of the gateway's only endpoint, or a new one if there are none or several."""
    endpoints = list(Endpoint.objects.filter(gateway=gateway)[:2])
    if secret is None and len(endpoints) == 1:
        return Signers(endpoints[0], None)
    made = secret or new_secret()
    return Signers(Endpoint(gateway=gateway, encrypted_secret=encrypt(made)), None if secret else made)


@dataclass
class Forwarder:
    """Forwards one event at a time to one URL. Waits while the target is down; any response counts as received."""

    gateway: Gateway
    url: str
    endpoint: Endpoint
    wait: Callable[[float], None]
    say: Callable[[str], None]
    _is_down: bool = field(default=False, init=False)

    def forward(self, event: Event) -> client.EndpointResponse:
        tries = 0
        while (answer := self._post(event)).status is None:
            seconds = WAITS[min(tries, len(WAITS) - 1)]
            self.say(f"{self.url} does not answer ({answer.error}); trying again in {seconds:.0f} s.")
            self._is_down, tries = True, tries + 1
            self.wait(seconds)
        if self._is_down:
            self._is_down = False
            self.say(f"{self.url} answers again.")
        return answer

    def _post(self, event: Event) -> client.EndpointResponse:
        """Private addresses are allowed, because the person who runs the command chose the URL."""
        attempt = Delivery(gateway=self.gateway, event=event, endpoint=self.endpoint)
        body, headers = signed(attempt, clock.now(self.gateway))
        return client.post(self.url, body, headers, options=client.ClientOptions(allow_private=True))
