"""Responses of the catalogue and of the Manager API, for the OpenAPI document."""

from typing import Any, Final

from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema

from gateway.api.openapi import BOOLEAN, INTEGER, MOMENT, NUMBER, answer, listed, nullable, obj, one_of, text
from smallcases.api import serializers
from smallcases.api.payloads import RETURNS
from smallcases.catalogue.selectors import DURATIONS
from smallcases.models import Smallcase

Json = dict[str, Any]
SCID: Final = text(pattern="^[A-Z]{2,8}_[0-9]{4}$")
DAY: Final = MOMENT | {"description": "A day, as its midnight UTC", "example": "2026-11-20T00:00:00.000Z"}
FRACTION: Final = nullable(NUMBER | {"description": "0.05 is 5 %; null if the index is too young"})
WEIGHT: Final = NUMBER | {"description": "A fraction; the weights of a version sum to 1"}
PER_CENT: Final = NUMBER | {"description": "Per cent"}
INFO: Final = obj(
    {
        "name": text(),
        "shortDescription": text(),
        "type": one_of(*Smallcase.Kind.values),
        "publisherName": text(),
        "imageUrl": nullable(text()),
        "rebalanceSchedule": one_of(*Smallcase.Schedule.values),
        "lastRebalanced": MOMENT,
        "nextUpdate": nullable(DAY),
        "uploaded": DAY | {"description": "The day of launch, where the index is 100"},
    }
)
STATS: Final = obj(
    {
        "indexValue": nullable(NUMBER | {"description": "The last close; 100 at launch"}),
        "lastIndexUpdatedDate": nullable(DAY),
        "minInvestAmount": INTEGER | {"description": "Rupees, at the gateway's prices, rounded up"},
        "minSipAmount": INTEGER | {"description": "Rupees: the cheapest constituent's price, rounded up"},
        "returns": obj(dict.fromkeys(RETURNS, FRACTION)),
        "ratios": obj({"cagr": FRACTION, "volatility": FRACTION, "riskLabel": one_of(*Smallcase.Risk.values)}),
    }
)
SUMMARY: Final[Json] = {
    "scid": SCID,
    "version": INTEGER,
    "info": INFO,
    "stats": STATS,
    "benchmark": obj({"id": text("NSE symbol"), "name": text()}),
    "flags": obj({"active": BOOLEAN}),
}
PROFILE_SHAPE: Final = obj(
    {
        **SUMMARY,
        "rationale": text(),
        "rebalance": obj({"label": text(), "rationale": text()}),
        "constituents": listed(
            obj({"ticker": text("NSE symbol"), "stockName": text(), "weight": WEIGHT, "tradable": BOOLEAN})
        ),
    }
)
CHART_SHAPE: Final = obj(
    {
        "scid": SCID,
        "duration": one_of(*DURATIONS),
        "base": NUMBER,
        "points": listed(obj({"date": DAY, "index": NUMBER})),
        "benchmark": obj({"id": text(), "name": text(), "points": listed(obj({"date": DAY, "price": NUMBER}))}),
    }
)
_VERSION: Final[Json] = {
    "version": INTEGER,
    "label": text(),
    "rationale": text(),
    "publishedAt": MOMENT,
    "publishedBy": nullable(text()),
    "constituents": listed(obj({"ticker": text(), "weight": PER_CENT})),
}
_ANNOUNCEMENTS: Final = listed(obj({"gateway": text(), "told": INTEGER, "done": BOOLEAN}))
_CHANGES: Final = listed(obj({"ticker": text(), "from": PER_CENT, "to": PER_CENT}))
_PREVIEW: Final = obj(
    {
        "version": INTEGER,
        "onTopOf": INTEGER,
        "added": _CHANGES,
        "removed": _CHANGES,
        "changed": _CHANGES,
        "turnover": PER_CENT,
        "investments": INTEGER,
        "buyAmount": NUMBER,
        "sellAmount": NUMBER,
        "minInvestAmountBefore": NUMBER,
        "minInvestAmountAfter": nullable(NUMBER),
        "untradable": listed(text()),
        "unknown": listed(text()),
    }
)
_SCID_QUERY: Final = OpenApiParameter("scid", SCID, required=True)
_SCID_PATH: Final = OpenApiParameter("scid", SCID, OpenApiParameter.PATH)
_RUPEES: Final[Json] = {"type": "number", "minimum": 0, "maximum": 9_999_999_999.99}
_QUERY: Final[Json] = {
    "sortBy": one_of(*serializers.SORTS) | {"default": "name"},
    "sortOrder": INTEGER | {"enum": [1, -1], "default": 1, "description": "1 ascending, -1 descending"},
    "count": INTEGER | {"minimum": 1, "maximum": serializers.MOST_LISTED, "default": 50},
    "offset": INTEGER | {"minimum": 0, "maximum": 10_000_000, "default": 0},
    "search": text("Part of scid, name, short description or publisher; or a constituent's ticker", maxLength=80),
    "type": one_of(*Smallcase.Kind.values),
    "risk": one_of(*Smallcase.Risk.values),
    "minAmount": _RUPEES | {"description": "Least minInvestAmount"},
    "maxAmount": _RUPEES | {"description": "Greatest minInvestAmount"},
}
_BASE: Final[Json] = {"type": "number", "minimum": 0.01, "maximum": 9_999_999.99, "multipleOf": 0.01, "default": 100}

LIST: Final = extend_schema(
    operation_id="smallcases",
    summary="The catalogue",
    description="Smallcases without a value to sort by are last. Archived smallcases are not listed.",
    parameters=[OpenApiParameter(name, schema) for name, schema in _QUERY.items()],
    responses={
        200: answer("A page, and the total number", obj({"smallcases": listed(obj(SUMMARY)), "total": INTEGER}))
    },
)
PROFILE: Final = extend_schema(
    operation_id="smallcase",
    summary="One smallcase",
    parameters=[_SCID_QUERY],
    responses={200: answer("The smallcase", PROFILE_SHAPE)},
)
CHART: Final = extend_schema(
    operation_id="smallcaseChart",
    summary="Index against benchmark",
    description="One point per trading day. Both series are rebased on their first point.",
    parameters=[
        _SCID_QUERY,
        OpenApiParameter("duration", one_of(*DURATIONS) | {"default": "1y"}),
        OpenApiParameter("base", _BASE),
    ],
    responses={200: answer("The chart", CHART_SHAPE)},
)
VERSIONS: Final = extend_schema(
    operation_id="rebalances",
    summary="A smallcase's versions, newest first, with the progress of their rebalance notices",
    tags=["Manager"],
    parameters=[_SCID_PATH],
    responses={200: answer("Versions", listed(obj({**_VERSION, "announcements": _ANNOUNCEMENTS})))},
)
PUBLISH: Final = extend_schema(
    operation_id="publishRebalance",
    summary="Publish a version, or preview it",
    tags=["Manager"],
    request=serializers.RebalanceIn,
    parameters=[
        _SCID_PATH,
        OpenApiParameter("dryRun", one_of("true", "false") | {"description": "true: preview only, nothing is changed"}),
    ],
    examples=[
        OpenApiExample(
            "Two funds",
            value={
                "label": "More bonds",
                "constituents": [{"ticker": "NIFTYBEES", "weight": 55}, {"ticker": "LTGILTBEES", "weight": 45}],
            },
            request_only=True,
        )
    ],
    responses={200: answer("The version; with dryRun the preview", {"oneOf": [obj(_VERSION), _PREVIEW]})},
)
