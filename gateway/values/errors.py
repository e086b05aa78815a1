"""The errors of the wire. Domain errors subclass GatewayError beside the code that raises them."""

from collections.abc import Sequence
from enum import StrEnum
from typing import ClassVar, Final


class ErrorType(StrEnum):
    """All values of `errorType`."""

    VALIDATION_ERROR = "ValidationError"
    INVALID_GATEWAY = "InvalidGateway"
    INVALID_SECRET = "InvalidSecret"  # a value on the wire  # noqa: S105  # nosec B105
    INVALID_JWT = "InvalidJWT"
    CONNECTED_USER_REQUIRED = "ConnectedUserRequired"
    USER_MISMATCH = "UserMismatch"
    NOT_FOUND = "NotFound"
    CONFLICT = "Conflict"
    IDEMPOTENCY_MISMATCH = "IdempotencyMismatch"
    TRANSACTION_EXPIRED = "TransactionExpired"
    TRANSACTION_USED = "TransactionUsed"
    NO_ORDER = "NoOrder"
    ORDER_PENDING = "OrderPending"
    ACTION_REQUIRED = "ActionRequired"
    MARKET_CLOSED = "MarketClosed"
    INTENT_NOT_ENABLED_FOR_BROKER = "IntentNotEnabledForBroker"
    INSUFFICIENT_HOLDINGS = "InsufficientHoldings"
    RATE_LIMITED = "RateLimited"
    PAYLOAD_TOO_LARGE = "PayloadTooLarge"
    UNSUPPORTED_MEDIA_TYPE = "UnsupportedMediaType"
    METHOD_NOT_ALLOWED = "MethodNotAllowed"
    SERVICE_UNAVAILABLE = "ServiceUnavailable"
    INTERNAL_ERROR = "InternalError"


# The same request may succeed later.
RETRYABLE: Final = frozenset(
    {
        ErrorType.RATE_LIMITED,
        ErrorType.SERVICE_UNAVAILABLE,
        ErrorType.INTERNAL_ERROR,
        ErrorType.ORDER_PENDING,
        ErrorType.MARKET_CLOSED,
    }
)


class GatewayError(Exception):
    """A refused request, with an HTTP status and an errorType.

    `retry_after`: after how many seconds the same request may succeed; None if unknown.
    """

    status: ClassVar[int] = 409
    error_type: ErrorType = ErrorType.CONFLICT
    retry_after: int | None = None

    def __init__(self, *sentences: str) -> None:
        super().__init__(*sentences)
        self.sentences: Sequence[str] = sentences


class Invalid(GatewayError):
    status, error_type = 400, ErrorType.VALIDATION_ERROR


class UnknownGateway(GatewayError):
    status, error_type = 404, ErrorType.INVALID_GATEWAY


class InvalidSecret(GatewayError):
    status, error_type = 401, ErrorType.INVALID_SECRET


class WrongSecret(InvalidSecret):
    """A secret was sent, but it is wrong: perhaps a guess."""


class InvalidJWT(GatewayError):
    status, error_type = 401, ErrorType.INVALID_JWT


class ConnectedUserRequired(GatewayError):
    status, error_type = 403, ErrorType.CONNECTED_USER_REQUIRED


class GuestRequired(GatewayError):
    """Only the partner's server may do this, not one of its users."""

    status, error_type = 403, ErrorType.USER_MISMATCH


class NotFound(GatewayError):
    """No such object, or it belongs to somebody else."""

    status, error_type = 404, ErrorType.NOT_FOUND


class Conflict(GatewayError):
    """The request is valid, but not in the present state."""


class Unavailable(GatewayError):
    """The gateway cannot answer now; the same request may succeed in seconds."""

    status, error_type = 503, ErrorType.SERVICE_UNAVAILABLE
    retry_after = 5
