import pytest

from gateway.values.errors import ErrorType
from transactions.domain.sdk_codes import BEFORE_LOGIN, ERROR_TYPES, MESSAGES, SdkCode, code_of

# Contract §3.2, by hand.
TABLE = {
    1001: "user_mismatch",
    1002: "no_order",
    1003: "consent_denied",
    1004: "insufficient_holdings",
    1005: "transaction_expired",
    1006: "no_broker",
    1007: "no_broker",
    1008: "no_broker",
    1010: "user_cancelled",
    1011: "user_cancelled",
    1012: "user_cancelled",
    1013: "smallcase_archived",
    2000: "internal_error",
    2001: "holdings_import_error",
    3000: "intent_not_enabled_for_broker",
    3001: "transaction_expired",
    3002: "invalid_transactionId",
    4003: "timed_out",
    4004: "market_closed",
    4005: "market_closed",
    4006: "order_pending",
}


class TestMessages:
    def test_are_the_contracts(self) -> None:
        assert {code.value: message for code, message in MESSAGES.items()} == TABLE


class TestErrorTypes:
    @pytest.mark.parametrize(
        ("code", "error_type"),
        [
            (1001, ErrorType.USER_MISMATCH),
            (1002, ErrorType.NO_ORDER),
            (1004, ErrorType.INSUFFICIENT_HOLDINGS),
            (1005, ErrorType.TRANSACTION_EXPIRED),
            (3000, ErrorType.INTENT_NOT_ENABLED_FOR_BROKER),
            (3001, ErrorType.TRANSACTION_EXPIRED),
            (4004, ErrorType.MARKET_CLOSED),
            (4005, ErrorType.MARKET_CLOSED),
            (4006, ErrorType.ORDER_PENDING),
        ],
    )
    def test_answer_for_their_code(self, code: int, error_type: ErrorType) -> None:
        assert ERROR_TYPES[SdkCode(code)] is error_type


class TestBeforeLogin:
    def test_is_what_can_happen_to_nobody_in_particular(self) -> None:
        assert {code.value for code in BEFORE_LOGIN} == {1001, 1006, 1007, 1008, 1010, 1011, 3001}


class TestCodeOf:
    @pytest.mark.parametrize("number", sorted(TABLE))
    def test_knows_every_code(self, number: int) -> None:
        assert code_of(number) is SdkCode(number)

    @pytest.mark.parametrize("number", [0, 999, 1009, 4007, 10**50])
    def test_knows_no_other(self, number: int) -> None:
        assert code_of(number) is None
