import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.values.money import average, is_multiple, number, rupees, wire_amount, wire_price


class TestRupees:
    @pytest.mark.parametrize(
        ("amount", "rounded"),
        [("1.005", "1.00"), ("1.015", "1.02"), ("1.0051", "1.01"), ("-1.005", "-1.00"), ("1575.09", "1575.09")],
    )
    def test_rounds_half_to_even(self, amount: str, rounded: str) -> None:
        assert str(rupees(Decimal(amount))) == rounded


class TestAverage:
    @pytest.mark.parametrize(("price", "rounded"), [("1.00005", "1.0000"), ("1.00015", "1.0002"), ("100", "100.0000")])
    def test_keeps_four_decimals(self, price: str, rounded: str) -> None:
        assert str(average(Decimal(price))) == rounded


class TestNumber:
    @pytest.mark.parametrize(
        ("amount", "wire"),
        [
            (None, "null"),
            (Decimal("1575.09"), "1575.09"),
            (Decimal("1575.00"), "1575"),
            (Decimal("0.00"), "0"),
            (Decimal("1180.1234"), "1180.1234"),
            (Decimal("9999999999999.99"), "9999999999999.99"),
        ],
    )
    def test_is_written_as_it_is(self, amount: Decimal | None, wire: str) -> None:
        assert json.dumps(number(amount)) == wire

    @given(st.decimals("-9999999999.9999", "9999999999.9999", places=4))
    def test_loses_nothing_on_the_wire(self, amount: Decimal) -> None:
        assert json.loads(json.dumps(number(amount)), parse_float=Decimal, parse_int=Decimal) == amount


class TestWireAmount:
    @pytest.mark.parametrize(
        ("amount", "wire"),
        [(None, "null"), ("2681.900000000001", "2681.9"), ("0.125", "0.12"), ("10", "10"), ("-3.999", "-4")],
    )
    def test_has_at_most_two_decimals(self, amount: str | None, wire: str) -> None:
        assert json.dumps(wire_amount(None if amount is None else Decimal(amount))) == wire


class TestWirePrice:
    @pytest.mark.parametrize(
        ("price", "wire"), [(None, "null"), ("100.66666666666667", "100.6667"), ("100", "100"), ("0.1", "0.1")]
    )
    def test_has_at_most_four_decimals(self, price: str | None, wire: str) -> None:
        assert json.dumps(wire_price(None if price is None else Decimal(price))) == wire


class TestIsMultiple:
    @pytest.mark.parametrize(
        ("price", "tick", "fits"),
        [("1180.10", "0.10", True), ("1180.15", "0.10", False), ("133730", "5", True), ("0.05", "0.10", False)],
    )
    def test_is_exact(self, price: str, tick: str, fits: bool) -> None:
        assert is_multiple(Decimal(price), Decimal(tick)) is fits
