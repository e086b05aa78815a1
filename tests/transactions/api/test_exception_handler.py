"""The SDK's code in an error's body. test_payloads.py tests the user data in it."""

from gateway.values.errors import NotFound
from transactions.api.exception_handler import envelope_errors
from transactions.domain.sdk_codes import SdkCode
from transactions.lifecycle.eligibility import Archived, NoOrder, OrderPending
from transactions.lifecycle.transitions import SdkError
from transactions.queries.selectors import UnknownTransaction


class TestErrors:
    def test_of_the_sdk_carry_its_code_and_message(self) -> None:
        errors = [
            UnknownTransaction(),
            NoOrder("Nothing."),
            OrderPending(),
            Archived(),
            SdkError(SdkCode.MARKET_CLOSED),
        ]

        assert [_body(error) for error in errors] == [
            (404, "NotFound", {"code": 3002, "message": "invalid_transactionId"}),
            (409, "NoOrder", {"code": 1002, "message": "no_order"}),
            (409, "OrderPending", {"code": 4006, "message": "order_pending"}),
            (409, "Conflict", {"code": 1013, "message": "smallcase_archived"}),
            (409, "MarketClosed", {"code": 4004, "message": "market_closed"}),
        ]

    def test_of_others_carry_none(self) -> None:
        assert _body(NotFound("Nothing.")) == (404, "NotFound", None)

    def test_that_are_bugs_are_left_to_django(self) -> None:
        assert envelope_errors(ZeroDivisionError(), {}) is None


def _body(error: Exception) -> tuple[int, object, object]:
    response = envelope_errors(error, {})
    assert response is not None
    return response.status_code, response.data["errorType"], response.data["data"]
