"""Limits wrong PINs across checkouts: opening another checkout gives no more guesses for the same account.

Each checkout allows five (`MAX_PINS`), but an attacker may open many checkouts. Live gateways therefore count wrong
PINs three times:

- for one account from one network address, so a stranger who guesses at another address does not lock the owner out.
  Users behind one NAT or in one IPv6 /64 share an address and its limit;
- from one address for all accounts;
- for one account from all addresses, to slow an attacker with many addresses. This limit does not apply to an address
  from which the account has logged in before through this gateway, so an owner at home or at work is not locked out.
  An owner at a new address must wait until the guessing stops.

Sessions of successful logins store keyed digests of addresses (`login_network`). A request without a client address
(the proxy sent none) never counts as known. On test gateways PINs are not secret, and personas refuse PINs on purpose.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from django.conf import settings
from django.http import HttpRequest
from django.utils.crypto import salted_hmac

from gateway.api.rate_limits import count_guess, refuse_guessers
from gateway.http.client_address import client_network, remote_network
from gateway.partners import clock
from transactions.checkout.broker_login import PinRefused
from transactions.models import CheckoutSession
from transactions.queries import selectors

NETWORK_SALT: Final = "transactions.checkout.network"


@contextmanager
def counted(request: HttpRequest, session: CheckoutSession, client_id: str) -> Iterator[None]:
    """Counts a wrong PIN. Raises RateLimited, before the broker is asked, after too many wrong PINs."""
    if session.transaction.gateway.is_test:
        yield
        return
    address = remote_network(request.META)
    account = f"pins of {session.transaction.gateway_id} {session.broker} {client_id}"
    rates = {
        f"{account} from {address}": settings.RATE_LIMIT_WRONG_PINS,
        f"pins from {address}": settings.RATE_LIMIT_WRONG_PINS_ADDRESS,
    }
    if not _is_known(session, client_id, network_of(request)):
        rates[account] = settings.RATE_LIMIT_WRONG_PINS_ACCOUNT
    for guesser in rates:
        refuse_guessers(guesser, now=clock.wall())
    try:
        yield
    except PinRefused:
        for guesser, rate in rates.items():
            count_guess(guesser, now=clock.wall(), rate=rate)
        raise


def network_of(request: HttpRequest) -> str:
    """A keyed digest of the request's address; "" if the address is unknown."""
    address = client_network(request.META)
    return salted_hmac(NETWORK_SALT, address, algorithm="sha256").hexdigest() if address else ""


def _is_known(session: CheckoutSession, client_id: str, network: str) -> bool:
    gateway = session.transaction.gateway
    return bool(network) and selectors.has_logged_in_from(gateway, session.broker, client_id, network)
