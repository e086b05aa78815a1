"""Fields of request bodies that accept only their own JSON type."""

import re
from decimal import Decimal, InvalidOperation
from functools import cache
from typing import Any, Final

from rest_framework import serializers

from gateway.values.money import rupees

NOISE: Final = Decimal("0.000001")  # rupees; more than a sum of floats is ever off


class Text(serializers.CharField):
    """A JSON string, unchanged; numbers are refused."""

    def __init__(self, **options: Any) -> None:
        super().__init__(trim_whitespace=False, **options)

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            raise serializers.ValidationError("must be a string.")
        return super().to_internal_value(data)


class Matching(Text):
    """A JSON string that matches a pattern."""

    def __init__(self, pattern: re.Pattern[str], *, form: str, **options: Any) -> None:
        self.pattern, self.form = pattern, form
        super().__init__(**options)

    def to_internal_value(self, data: Any) -> str:
        value = super().to_internal_value(data)
        if not self.pattern.fullmatch(value):
            raise serializers.ValidationError(f"must be {self.form}.")
        return value


class Whole(serializers.IntegerField):
    """A JSON integer; strings, floats and booleans are refused."""

    def to_internal_value(self, data: Any) -> int:
        if not isinstance(data, int) or isinstance(data, bool):
            raise serializers.ValidationError("must be a whole number.")
        return super().to_internal_value(data)


class WholeText(serializers.IntegerField):
    """A whole number in a query string. Only ASCII digits: Python's int() accepts digits of every script."""

    def to_internal_value(self, data: Any) -> int:
        if not str(data).isascii():
            self.fail("invalid")
        return super().to_internal_value(data)


class NumberText(serializers.DecimalField):
    """A decimal number in a query string, ASCII digits only; rounded to its decimals."""

    def to_internal_value(self, data: Any) -> Any:
        if not str(data).isascii():
            self.fail("invalid")
        return super().to_internal_value(rounded(str(data)))


class DayText(serializers.DateField):
    """A day in a query string: YYYY-MM-DD, ASCII digits only."""

    def __init__(self, **options: Any) -> None:
        super().__init__(input_formats=["%Y-%m-%d"], **options)

    def to_internal_value(self, data: Any) -> Any:
        if not str(data).isascii():
            self.fail("invalid", format="YYYY-MM-DD")
        return super().to_internal_value(data)


class Truth(serializers.BooleanField):
    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            raise serializers.ValidationError("must be true or false.")
        return data


class Rupees(serializers.DecimalField):
    """A JSON number above zero, rounded to the paisa: a sum of floats such as 30197.100000000002 is ₹30,197.10."""

    def __init__(self, **options: Any) -> None:
        super().__init__(max_digits=12, decimal_places=2, coerce_to_string=False, **options)

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, int | float) or isinstance(data, bool):
            raise serializers.ValidationError("must be a number.")
        amount = super().to_internal_value(rounded(str(data)))
        if amount <= 0:
            raise serializers.ValidationError("must be above zero.")
        return amount


class SharePrice(Rupees):
    """A price: noise of floats is rounded away, a third decimal is refused. An order is not placed at another price."""

    def to_internal_value(self, data: Any) -> Any:
        price = super().to_internal_value(data)
        if abs(Decimal(str(data)) - price) > NOISE:
            raise serializers.ValidationError("must have at most two decimals.")
        return price


def rounded(text: str) -> str:
    """The number rounded to the paisa; any other text unchanged, for the field to refuse."""
    try:
        return str(rupees(Decimal(text)))
    except InvalidOperation:
        return text


class Choice(serializers.ChoiceField):
    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, str) or data not in self.choices:
            raise serializers.ValidationError(f"must be one of {', '.join(map(str, self.choices))}.")
        return data


class RequestBody(serializers.Serializer[Any]):
    """A request body: `parse` returns the checked values, or raises with a sentence per wrong field."""

    default_error_messages = {"invalid": "must be an object."}

    @classmethod
    def parse(cls, data: Any) -> dict[str, Any]:
        return dict(_made(cls).run_validation(data))

    @classmethod
    def names(cls) -> list[str]:
        return list(_made(cls).fields)


@cache
def _made(kind: type[RequestBody]) -> RequestBody:
    """A cached instance, because creating one copies all its fields; it keeps no state between requests."""
    return kind()
