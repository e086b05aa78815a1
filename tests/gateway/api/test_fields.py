"""Amounts of requests: rounded to the paisa, and refused where they are no amount."""

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rest_framework.serializers import ValidationError

from gateway.api.fields import NumberText, Rupees, SharePrice
from gateway.values.money import rupees
from tests.examples import examples

often = settings(max_examples=examples(50, long=1_000), deadline=None)
NO_NUMBERS = [float("nan"), float("inf"), float("-inf"), True, "5", None, [], {}]
NO_AMOUNTS = [*NO_NUMBERS, -1, 0, 0.001, -0.004, 1e300, 10**400, 10**10]


class TestRupees:
    @pytest.mark.parametrize(
        ("given_", "amount"),
        [
            (30197.100000000002, "30197.10"),
            (0.1 + 0.2, "0.30"),
            (100, "100.00"),
            (1e3, "1000.00"),
            (99.999, "100.00"),
            (0.006, "0.01"),
            (9_999_999_999.99, "9999999999.99"),
        ],
    )
    def test_are_rounded_to_the_paisa(self, given_: float, amount: str) -> None:
        assert str(Rupees().run_validation(given_)) == amount

    @pytest.mark.parametrize("given_", NO_AMOUNTS, ids=repr)
    def test_are_above_zero_finite_and_of_at_most_twelve_digits(self, given_: Any) -> None:
        with pytest.raises(ValidationError):
            Rupees(allow_null=False).run_validation(given_)

    @often
    @given(st.lists(st.integers(1, 10**6), min_size=1, max_size=20))
    def test_are_what_was_meant_however_a_client_adds_them_up(self, paise: list[int]) -> None:
        sent = json.loads(json.dumps(sum(one / 100 for one in paise)))

        assert Rupees().run_validation(sent) == Decimal(sum(paise)) / 100


class TestPrice:
    @pytest.mark.parametrize(("given_", "price"), [(1180.1000000000001, "1180.10"), (0.05, "0.05"), (1500, "1500.00")])
    def test_loses_the_noise_of_floats(self, given_: float, price: str) -> None:
        assert str(SharePrice().run_validation(given_)) == price

    @pytest.mark.parametrize("given_", [1180.123, 0.051, *NO_AMOUNTS], ids=repr)
    def test_is_not_changed_to_another_price(self, given_: Any) -> None:
        with pytest.raises(ValidationError):
            SharePrice().run_validation(given_)


class TestNumberText:
    field = NumberText(max_digits=12, decimal_places=2, min_value=Decimal(0))

    @often
    @given(st.decimals("0", "9999999999", places=6))
    def test_is_rounded(self, number: Decimal) -> None:
        assert self.field.run_validation(str(number)) == rupees(number)

    @pytest.mark.parametrize("text", ["NaN", "Infinity", "-1", "1e99", "x", "", "٣"])
    def test_is_a_number_within_its_limits(self, text: str) -> None:
        with pytest.raises(ValidationError):
            self.field.run_validation(text)
