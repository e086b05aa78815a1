"""Wrong PINs are counted beyond one checkout: a new one gives no new guesses at the same account.

Each checkout takes five (`MAX_PINS`), and whoever can have transactions made has as many checkouts as that.
On live gateways wrong PINs are therefore counted three times:

- for an account from one network address: its own limit, so a stranger at another address who guesses does not lock the
  owner out. Users behind one NAT, or in one IPv6 /64, share an address, and this limit with it;
- from one address, whatever the account;
- for an account from all addresses together, which slows a guesser who has very many of them. That limit alone does
  not hold for an address that the account was logged in from before, through this gateway: an owner at home or at
  work is not locked out by strangers at another address. An owner at a new address waits until the guessing stops.

Addresses are remembered as keyed digests on the sessions of logins that succeeded (`login_network`); one that is
unknown (no proxy told it) is never a known one. On test gateways PINs are no secrets, and personas refuse them on
purpose.
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
    """Raises RateLimited, before the broker is asked, where too many were wrong."""
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
    """What is kept of the address that a login comes from; "" where it is not known."""
    address = client_network(request.META)
    return salted_hmac(NETWORK_SALT, address, algorithm="sha256").hexdigest() if address else ""


def _is_known(session: CheckoutSession, client_id: str, network: str) -> bool:
    gateway = session.transaction.gateway
    return bool(network) and selectors.has_logged_in_from(gateway, session.broker, client_id, network)
