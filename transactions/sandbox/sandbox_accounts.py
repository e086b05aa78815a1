"""Test accounts on the login page of test gateways (contract §7)."""

from typing import Final

from brokers.simulator.personas import Persona
from transactions.models import CheckoutSession

FORGIVING_PIN: Final = "1234"
CONNECTED: Final = "@connected"  # no client id starts with @
OFFERED: Final = (
    Persona.HAPPY,
    Persona.PARTIAL,
    Persona.SLOW,
    Persona.LOW_FUNDS,
    Persona.NO_HOLDINGS,
    Persona.ONE_REJECTED,
    Persona.LOST_CONTACT,
    Persona.BROKER_DOWN,
    Persona.LOGIN_FAILS,
)


def test_accounts(session: CheckoutSession) -> list[tuple[str, str]]:
    """Value and name of the text of each account; the connected account is first. Empty on live gateways."""
    if not session.transaction.gateway.is_test:
        return []
    own = [(CONNECTED, "persona.connected")] if session.transaction.account else []
    return own + [(persona.value, f"persona.{persona.value}") for persona in OFFERED]
