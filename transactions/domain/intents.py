"""The intents of transactions and their lifetimes, and known intents of smallcase Gateway that are not supported."""

from datetime import timedelta
from enum import StrEnum
from typing import Final


class Intent(StrEnum):
    TRANSACTION = "TRANSACTION"
    CONNECT = "CONNECT"
    CANCEL_ORDER = "CANCEL_ORDER"
    CANCEL_AMO = "CANCEL_AMO"
    SIP_SETUP = "SIP_SETUP"
    HOLDINGS_IMPORT = "HOLDINGS_IMPORT"
    FETCH_FUNDS = "FETCH_FUNDS"


# Intents on an investment; the user must be connected.
ON_AN_INVESTMENT: Final = frozenset({Intent.CANCEL_AMO, Intent.SIP_SETUP})
CANCELLATIONS: Final = frozenset({Intent.CANCEL_ORDER, Intent.CANCEL_AMO})
NOT_SERVED: Final = frozenset(
    {
        "AUTHORISE_HOLDINGS",
        "LAMF",
        "MF_HOLDINGS_IMPORT",
        "ONBOARDING",
        "SUBSCRIPTION",
        "WEALTH_MODULE",
    }
)
SECURITIES: Final = "SECURITIES"


def lifetime(intent: Intent) -> timedelta:
    return timedelta(minutes=15 if intent is Intent.TRANSACTION else 5)
