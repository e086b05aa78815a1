"""Wrong PINs are counted beyond one checkout: a new one gives no new guesses at the same account.

Each checkout takes five (`sessions.MAX_PINS`), and whoever can have transactions made has as many checkouts as that.
On test gateways PINs are no secrets, and personas refuse them on purpose.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.http import HttpRequest

from gateway import clock
from gateway.addresses import remote_network
from gateway.limits import count_guess, refuse_guessers
from transactions.models import CheckoutSession
from transactions.services.checkout import PinRefused


@contextmanager
def counted(request: HttpRequest, session: CheckoutSession, client_id: str) -> Iterator[None]:
    """Raises RateLimited, before the broker is asked, where too many were wrong for the account or from the address."""
    if session.transaction.gateway.is_test:
        yield
        return
    of_account = f"pins of {session.transaction.gateway_id} {session.broker} {client_id}"
    from_address = f"pins from {remote_network(request.META)}"
    for guesser in (of_account, from_address):
        refuse_guessers(guesser, now=clock.wall())
    try:
        yield
    except PinRefused:
        count_guess(of_account, now=clock.wall(), rate=settings.RATE_LIMIT_WRONG_PINS)
        count_guess(from_address, now=clock.wall(), rate=settings.RATE_LIMIT_WRONG_PINS_ADDRESS)
        raise
