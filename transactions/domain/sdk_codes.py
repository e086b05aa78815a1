"""The browser SDK's error codes and their messages (contract §3.2)."""

from collections.abc import Mapping
from enum import IntEnum
from typing import TYPE_CHECKING, Final

from gateway.values.errors import ErrorType, GatewayError

if TYPE_CHECKING:
    from transactions.models import Transaction


class SdkCode(IntEnum):
    USER_MISMATCH = 1001
    NO_ORDER = 1002
    CONSENT_DENIED = 1003
    INSUFFICIENT_HOLDINGS = 1004
    EXPIRED_IN_FLOW = 1005
    BROKER_NOT_LISTED = 1006
    WANTS_ACCOUNT = 1007
    CLOSED_AT_NO_BROKER = 1008
    CANCELLED_AT_CHOOSER = 1010
    CANCELLED_BEFORE_LOGIN = 1011
    CANCELLED_AFTER_LOGIN = 1012
    SMALLCASE_ARCHIVED = 1013
    INTERNAL_ERROR = 2000
    HOLDINGS_IMPORT_ERROR = 2001
    INTENT_NOT_ENABLED = 3000
    EXPIRED_OR_USED = 3001
    UNKNOWN_TRANSACTION = 3002
    TIMED_OUT = 4003
    MARKET_CLOSED = 4004
    MARKET_CLOSED_SMALLCASE = 4005
    ORDER_PENDING = 4006


MESSAGES: Final[Mapping[SdkCode, str]] = {
    SdkCode.USER_MISMATCH: "user_mismatch",
    SdkCode.NO_ORDER: "no_order",
    SdkCode.CONSENT_DENIED: "consent_denied",
    SdkCode.INSUFFICIENT_HOLDINGS: "insufficient_holdings",
    SdkCode.EXPIRED_IN_FLOW: "transaction_expired",
    SdkCode.BROKER_NOT_LISTED: "no_broker",
    SdkCode.WANTS_ACCOUNT: "no_broker",
    SdkCode.CLOSED_AT_NO_BROKER: "no_broker",
    SdkCode.CANCELLED_AT_CHOOSER: "user_cancelled",
    SdkCode.CANCELLED_BEFORE_LOGIN: "user_cancelled",
    SdkCode.CANCELLED_AFTER_LOGIN: "user_cancelled",
    SdkCode.SMALLCASE_ARCHIVED: "smallcase_archived",
    SdkCode.INTERNAL_ERROR: "internal_error",
    SdkCode.HOLDINGS_IMPORT_ERROR: "holdings_import_error",
    SdkCode.INTENT_NOT_ENABLED: "intent_not_enabled_for_broker",
    SdkCode.EXPIRED_OR_USED: "transaction_expired",
    SdkCode.UNKNOWN_TRANSACTION: "invalid_transactionId",
    SdkCode.TIMED_OUT: "timed_out",
    SdkCode.MARKET_CLOSED: "market_closed",
    SdkCode.MARKET_CLOSED_SMALLCASE: "market_closed",
    SdkCode.ORDER_PENDING: "order_pending",
}
# The errorType of each code; CONFLICT for codes without their own errorType.
ERROR_TYPES: Final[Mapping[SdkCode, ErrorType]] = {
    SdkCode.USER_MISMATCH: ErrorType.USER_MISMATCH,
    SdkCode.NO_ORDER: ErrorType.NO_ORDER,
    SdkCode.INSUFFICIENT_HOLDINGS: ErrorType.INSUFFICIENT_HOLDINGS,
    SdkCode.EXPIRED_IN_FLOW: ErrorType.TRANSACTION_EXPIRED,
    SdkCode.INTENT_NOT_ENABLED: ErrorType.INTENT_NOT_ENABLED_FOR_BROKER,
    SdkCode.EXPIRED_OR_USED: ErrorType.TRANSACTION_EXPIRED,
    SdkCode.MARKET_CLOSED: ErrorType.MARKET_CLOSED,
    SdkCode.MARKET_CLOSED_SMALLCASE: ErrorType.MARKET_CLOSED,
    SdkCode.ORDER_PENDING: ErrorType.ORDER_PENDING,
}
BEFORE_LOGIN: Final = frozenset(
    {
        SdkCode.USER_MISMATCH,
        SdkCode.BROKER_NOT_LISTED,
        SdkCode.WANTS_ACCOUNT,
        SdkCode.CLOSED_AT_NO_BROKER,
        SdkCode.CANCELLED_AT_CHOOSER,
        SdkCode.CANCELLED_BEFORE_LOGIN,
        SdkCode.EXPIRED_OR_USED,
    }
)


class SdkRefusal(GatewayError):
    """An error with a code of the browser SDK. The exception handler decides which user data it may include."""

    code: SdkCode
    transaction: "Transaction | None" = None


def code_of(number: int) -> SdkCode | None:
    return SdkCode(number) if number in set(SdkCode) else None
