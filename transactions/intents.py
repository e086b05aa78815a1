"""What a transaction may be for, how long it lives, and the intents of Gateway that we know but do not serve."""

from datetime import timedelta
from enum import StrEnum
from typing import Final


class Intent(StrEnum):
    TRANSACTION = "TRANSACTION"
    CONNECT = "CONNECT"
    CANCEL_ORDER = "CANCEL_ORDER"


NOT_SERVED: Final = frozenset(
    {
        "AUTHORISE_HOLDINGS",
        "CANCEL_AMO",
        "FETCH_FUNDS",
        "HOLDINGS_IMPORT",
        "LAMF",
        "MF_HOLDINGS_IMPORT",
        "ONBOARDING",
        "SIP_SETUP",
        "SUBSCRIPTION",
        "WEALTH_MODULE",
    }
)
SMALLCASE_TYPES: Final = frozenset({"BUY", "INVESTMORE", "FIX", "REPAIR", "REBALANCE", "SIP", "MANAGE", "EXIT"})
SECURITIES: Final = "SECURITIES"


def lifetime(intent: Intent) -> timedelta:
    return timedelta(minutes=15 if intent is Intent.TRANSACTION else 5)
