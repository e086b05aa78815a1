"""Serializers: they check requests and translate the wire's names."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Final

from rest_framework import serializers

from gateway.api.fields import Choice, NumberText, RequestBody, Text, Whole, WholeText
from smallcases.api.payloads import RETURNS
from smallcases.catalogue.selectors import DURATIONS, CatalogueQuery, Listed
from smallcases.catalogue.weights import MOST, Weighted
from smallcases.models import Smallcase

MOST_LISTED: Final = 200
MOST_RUPEES: Final = Decimal(10) ** 10


def _of_performance(column: str) -> Callable[[Listed], Any]:
    return lambda one: getattr(getattr(one.smallcase, "performance", None), column, None)


SORTS: Final[Mapping[str, Callable[[Listed], Any]]] = {
    "name": lambda one: one.smallcase.name.casefold(),
    "minInvestAmount": lambda one: one.minimum,
    "lastRebalanced": lambda one: one.version.published_at,
    "uploaded": lambda one: one.smallcase.launched_on,
    "indexValue": _of_performance("index_value"),
    "cagr": _of_performance("cagr"),
    "volatility": _of_performance("volatility"),
    **{name: _of_performance(column) for name, column in RETURNS.items()},
}


def rupees(**options: Any) -> NumberText:
    """A field for rupees in a query string, whose values are texts."""
    return NumberText(max_digits=12, decimal_places=2, min_value=0, max_value=MOST_RUPEES, **options)


class SmallcasesQuery(RequestBody):
    """Filters, order and page of the catalogue."""

    sortBy = Choice(required=False, choices=list(SORTS), default="name")
    sortOrder = serializers.ChoiceField(required=False, choices=["1", "-1"], default="1")
    count = WholeText(required=False, min_value=1, max_value=MOST_LISTED, default=50)
    offset = WholeText(required=False, min_value=0, max_value=10_000_000, default=0)
    search = Text(required=False, max_length=80, allow_blank=True, default="")
    type = Choice(required=False, choices=Smallcase.Kind.values)
    risk = Choice(required=False, choices=Smallcase.Risk.values)
    minAmount = rupees(required=False)
    maxAmount = rupees(required=False)

    @classmethod
    def request_from(cls, query: Any) -> CatalogueQuery:
        given = cls.parse({name: query[name] for name in cls.names() if name in query})
        return CatalogueQuery(
            sort_by=SORTS[given["sortBy"]],
            order=int(given["sortOrder"]),
            count=given["count"],
            offset=given["offset"],
            search=given["search"],
            kind=given.get("type", ""),
            risk=given.get("risk", ""),
            minimum_from=given.get("minAmount"),
            minimum_to=given.get("maxAmount"),
        )


class ChartQuery(RequestBody):
    scid = Text(max_length=40)
    duration = Choice(required=False, choices=list(DURATIONS), default="1y")
    base = NumberText(required=False, max_digits=9, decimal_places=2, min_value=Decimal("0.01"), default=Decimal(100))

    @classmethod
    def of(cls, query: Any) -> dict[str, Any]:
        return cls.parse({name: query[name] for name in ("scid", "duration", "base") if name in query})


class Weight(serializers.DecimalField):
    """A JSON number, in per cent. `catalogue.weights` checks the sum and the decimals."""

    def __init__(self) -> None:
        super().__init__(max_digits=20, decimal_places=10, coerce_to_string=False, help_text="Per cent")

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, int | float) or isinstance(data, bool):
            raise serializers.ValidationError("must be a number.")
        return super().to_internal_value(str(data))


class ConstituentIn(RequestBody):
    ticker = Text(max_length=20, help_text="NSE symbol")
    weight = Weight()


class RebalanceIn(RequestBody):
    """A version to preview or to publish."""

    constituents = serializers.ListSerializer[Any](
        child=ConstituentIn(),
        max_length=10 * MOST,
        error_messages={"not_a_list": "must be a list.", "max_length": f"must have at most {MOST} constituents."},
    )
    label = Text(required=False, max_length=80, help_text="Required to publish")  # type: ignore[assignment]  # DRF has a `label` too
    rationale = Text(required=False, allow_blank=True, max_length=20_000)
    onTopOf = Whole(
        required=False, min_value=1, help_text="The newest version that you have seen; 409 if there is a newer version"
    )

    @classmethod
    def preview_of(cls, data: Any) -> list[Weighted]:
        return _weighted(cls.parse(data))

    @classmethod
    def request_from(cls, data: Any) -> dict[str, Any]:
        """The keyword arguments of publish_rebalance."""
        body = cls.parse(data)
        if "label" not in body:
            raise serializers.ValidationError({"label": ["is required."]})
        return {
            "constituents": _weighted(body),
            "label": body["label"],
            "rationale": body.get("rationale", ""),
            "on_top_of": body.get("onTopOf"),
        }


def _weighted(body: Mapping[str, Any]) -> list[Weighted]:
    return [Weighted(line["ticker"], line["weight"]) for line in body["constituents"]]
