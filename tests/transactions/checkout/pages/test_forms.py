"""What a user types is read without trust: into choices, or into an error beside the field."""

from datetime import date
from decimal import Decimal

import pytest

from brokers.ports.broker import Side
from smallcases.sips.sip_changes import SipRequest
from transactions.checkout.order_quote import QuoteRequest
from transactions.checkout.pages.forms import added_names, picked, picked_sip
from transactions.domain.basket import Security
from transactions.domain.smallcase_order import OrderKind, SmallcaseOrderRequest, SmallcaseSelections

PRICES = {"INFY": Decimal("1500.05"), "TCS": Decimal("3000")}
NAMES = {"INFY": "Infosys", "TCS": "Tata Consultancy Services"}
WEIGHTS = {"INFY": Decimal(60), "TCS": Decimal(40)}
TODAY = date(2026, 11, 20)


def basket(*securities: Security) -> QuoteRequest:
    return QuoteRequest(None, securities, PRICES, NAMES)


def smallcase(kind: OrderKind, **partner: object) -> QuoteRequest:
    order_request = SmallcaseOrderRequest(kind, selections=SmallcaseSelections(**partner))  # type: ignore[arg-type]
    return QuoteRequest(order_request, (), PRICES, NAMES, held={"INFY": 4}, weights=WEIGHTS)


class TestABasket:
    def test_with_nothing_open_has_no_fields(self) -> None:
        form = picked(basket(Security("INFY", 1, Side.BUY)), {"quantity-INFY": "7", "side-INFY": "SELL"})

        assert (form.securities, form.errors) == ({}, {})

    def test_takes_quantity_and_side(self) -> None:
        form = picked(basket(Security("INFY")), {"quantity-INFY": " 1,500 ", "side-INFY": "SELL"})

        assert form.securities == {"INFY": Security("INFY", 1500, Side.SELL)}

    def test_takes_only_what_is_open(self) -> None:
        form = picked(basket(Security("INFY", 3)), {"quantity-INFY": "7", "side-INFY": "BUY"})

        assert form.securities == {"INFY": Security("INFY", None, Side.BUY)}

    def test_begins_with_one_share_and_no_side(self) -> None:
        form = picked(basket(Security("INFY")), None)

        assert form.typed == {"quantity-INFY": "1", "side-INFY": ""}
        assert form.errors == {}

    @pytest.mark.parametrize("typed", ["", "0", "-1", "1.5", "1e3", "1000001", "²", "１", "x" * 500, "9" * 400])
    def test_refuses_what_is_no_number_of_shares(self, typed: str) -> None:
        form = picked(basket(Security("INFY", side=Side.BUY)), {"quantity-INFY": typed})

        assert form.errors == {"quantity-INFY": "error.whole"}

    @pytest.mark.parametrize("typed", ["", "buy", "BUY ;", "<script>"])
    def test_refuses_what_is_no_side(self, typed: str) -> None:
        form = picked(basket(Security("INFY", 3)), {"side-INFY": typed})

        assert form.errors == {"side-INFY": "error.side"}


class TestAnAmount:
    @pytest.mark.parametrize(
        ("typed", "amount"), [("5000", "5000"), ("₹1,23,456.78", "123456.78"), (" 10 000 ", "10000"), ("0.01", "0.01")]
    )
    def test_is_read_as_a_person_writes_it(self, typed: str, amount: str) -> None:
        form = picked(smallcase(OrderKind.BUY), {"amount": typed})

        assert form.smallcase == SmallcaseSelections(amount=Decimal(amount))

    @pytest.mark.parametrize("typed", ["", "0", "-5", "NaN", "Infinity", "1e999999", "five", "99999999999"])
    def test_that_is_none_is_refused(self, typed: str) -> None:
        form = picked(smallcase(OrderKind.BUY), {"amount": typed})

        assert form.errors == {"amount": "error.amount"}
        assert form.smallcase.amount is None

    def test_is_suggested_a_little_above_the_minimum(self) -> None:
        """A share of TCS at 40 % needs ₹7,500; with 1 % of room, in whole hundreds."""
        assert picked(smallcase(OrderKind.BUY), None).typed == {"amount": "7,600"}

    def test_of_the_partner_is_not_asked_for(self) -> None:
        assert picked(smallcase(OrderKind.BUY, amount=Decimal(5)), {"amount": "9"}).typed == {}

    def test_to_a_rebalance_may_be_left_out(self) -> None:
        form = picked(smallcase(OrderKind.REBALANCE), {"amount": ""})

        assert (form.smallcase, form.errors) == (SmallcaseSelections(), {})

    def test_typed_in_two_ways_is_one_choice(self) -> None:
        keys = {picked(smallcase(OrderKind.BUY), {"amount": typed}).key for typed in ("10000", "₹10,000.00")}

        assert len(keys) == 1


class TestAnExit:
    def test_is_whole_unless_said_otherwise(self) -> None:
        assert picked(smallcase(OrderKind.EXIT), None).smallcase == SmallcaseSelections(exit_percent=100)
        assert picked(smallcase(OrderKind.EXIT), {"exit": "nonsense"}).smallcase == SmallcaseSelections(
            exit_percent=100
        )

    def test_takes_a_percentage_or_an_amount(self) -> None:
        percent = picked(smallcase(OrderKind.EXIT), {"exit": "percent", "percent": "40"})
        amount = picked(smallcase(OrderKind.EXIT), {"exit": "amount", "exit_amount": "2,500"})

        assert (percent.smallcase, amount.smallcase) == (
            SmallcaseSelections(exit_percent=40),
            SmallcaseSelections(exit_amount=Decimal(2500)),
        )

    @pytest.mark.parametrize("typed", ["0", "101", ""])
    def test_refuses_what_is_no_percentage(self, typed: str) -> None:
        form = picked(smallcase(OrderKind.EXIT), {"exit": "percent", "percent": typed})

        assert form.errors == {"percent": "error.percent"}


class TestManage:
    def test_begins_with_what_is_held(self) -> None:
        assert picked(smallcase(OrderKind.MANAGE), None).smallcase == SmallcaseSelections(shares={"INFY": 4})

    def test_adds_a_name_with_one_share(self) -> None:
        form = picked(smallcase(OrderKind.MANAGE), {"shares-INFY": "4", "add": "tcs"})

        assert form.smallcase == SmallcaseSelections(shares={"INFY": 4, "TCS": 1})

    def test_refuses_a_name_that_is_none(self) -> None:
        form = picked(smallcase(OrderKind.MANAGE), {"shares-INFY": "4", "add": "NOBODY"})

        assert form.errors == {"add": "error.symbol"}

    def test_passes_over_fields_of_unknown_names(self) -> None:
        form = picked(smallcase(OrderKind.MANAGE), {"shares-INFY": "4", "shares-<b>": "4"})

        assert form.smallcase == SmallcaseSelections(shares={"INFY": 4})

    def test_looks_up_no_name_that_cannot_be_one(self) -> None:
        assert added_names({"shares-TCS": "1", "shares-' OR 1": "1", "add": "wipro"}) == {"TCS", "WIPRO"}


class TestASip:
    def test_is_read_from_its_three_fields(self) -> None:
        order_request, form = picked_sip(
            {"amount": "5,000", "frequency": "1m", "starts_on": "2026-11-20"}, today=TODAY, least=Decimal(500)
        )

        assert order_request == SipRequest(amount=Decimal(5000), frequency="1m", starts_on=TODAY)
        assert form.errors == {}

    def test_has_a_least_amount(self) -> None:
        typed = {"amount": "499.99", "frequency": "1m", "starts_on": "2026-11-20"}

        assert picked_sip(typed, today=TODAY, least=Decimal(500))[1].errors == {"amount": "error.minimum"}
        assert picked_sip(typed | {"amount": "500"}, today=TODAY, least=Decimal(500))[1].errors == {}

    def test_says_what_is_wrong_with_each(self) -> None:
        order_request, form = picked_sip(
            {"amount": "x", "frequency": "1y", "starts_on": "2026-11-19"}, today=TODAY, least=Decimal(500)
        )

        assert order_request is None
        assert form.errors == {"amount": "error.amount", "frequency": "error.frequency", "starts_on": "error.date"}
