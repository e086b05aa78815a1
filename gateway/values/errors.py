"""What can be refused, as the wire names it. Domain errors subclass GatewayError beside the code that raises them."""

from collections.abc import Sequence
from enum import StrEnum
from typing import ClassVar, Final


class ErrorType(StrEnum):
    """The closed list of `errorType`."""

    VALIDATION_ERROR = "ValidationError"
    INVALID_GATEWAY = "InvalidGateway"
    INVALID_SECRET = "InvalidSecret"  # a name on the wire  # noqa: S105  # nosec B105
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


# The same request, sent again later, may succeed.
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
    """A refusal with its HTTP status and its errorType.

    `retry_after`: seconds after which the same request is worth another try; None where nothing is known of that.
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
    """One was given, and it is not the one: perhaps a guess."""


class InvalidJWT(GatewayError):
    status, error_type = 401, ErrorType.INVALID_JWT


class ConnectedUserRequired(GatewayError):
    status, error_type = 403, ErrorType.CONNECTED_USER_REQUIRED


class GuestRequired(GatewayError):
    """What the partner's server decides for itself, and not for a user."""

    status, error_type = 403, ErrorType.USER_MISMATCH


class NotFound(GatewayError):
    status, error_type = 404, ErrorType.NOT_FOUND


class Conflict(GatewayError):
    """The right request at the wrong moment."""


class Unavailable(GatewayError):
    status, error_type = 503, ErrorType.SERVICE_UNAVAILABLE
    retry_after = 5
