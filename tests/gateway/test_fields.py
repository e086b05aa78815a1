"""A body asks the fields that are there; DRF's own way, which asks all of them, is the second opinion."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rest_framework import serializers

from gateway.fields import Body, Text, Truth, Whole


class Part(Body):
    name = Text()
    shares = Whole(required=False, min_value=1)


class Example(Body):
    needed = Text()
    usual = Text(required=False, default="MARKET")
    perhaps = Truth(required=False)
    none = Text(required=False, allow_null=True)
    parts = serializers.ListSerializer[Any](child=Part(), required=False)

    def validate_perhaps(self, value: bool) -> bool:
        if not value:
            raise serializers.ValidationError("must be true.")
        return value


VALUES = st.one_of(st.none(), st.booleans(), st.integers(-1, 2), st.sampled_from(["", "x"]))
PARTS = st.lists(st.one_of(VALUES, st.dictionaries(st.sampled_from(["name", "shares", "stray"]), VALUES)), max_size=2)
NAMES = st.sampled_from(["needed", "usual", "perhaps", "none", "stray"])
BODIES = st.builds(
    lambda some, parts: some | parts,
    st.dictionaries(NAMES, VALUES),
    st.dictionaries(st.just("parts"), st.one_of(VALUES, PARTS), max_size=1),
)


def read(by: type[Body], body: Any) -> Any:
    """The values, or what is wrong with them."""
    try:
        return by.to_internal_value(Example(), body)
    except serializers.ValidationError as error:
        return error.detail


class TestABody:
    @given(BODIES)
    def test_is_read_as_drf_reads_it(self, body: dict[str, Any]) -> None:
        theirs: Any = serializers.Serializer

        assert read(Example, body) == read(theirs, body)

    @pytest.mark.parametrize("body", [None, [], "x", 1, {"needed": "x"}.keys()])
    def test_is_an_object(self, body: Any) -> None:
        assert read(Example, body) == {"non_field_errors": ["must be an object."]}

    def test_keeps_nothing_of_the_one_before(self) -> None:
        assert Example.parse({"needed": "x", "none": "y"}) == {"needed": "x", "usual": "MARKET", "none": "y"}
        assert Example.parse({"needed": "z"}) == {"needed": "z", "usual": "MARKET"}
