"""Serializers: they check requests and translate the wire's names."""

import re
from collections.abc import Mapping
from typing import Any, Final

from rest_framework import serializers

from brokers.ports.broker import OrderType, Side, Validity
from gateway.api.fields import Choice, DayText, Matching, RequestBody, Rupees, SharePrice, Text, Whole, WholeText
from gateway.values.ids import OBJECT_ID, SCID, SYMBOL
from transactions.domain.basket import MAX_QUANTITY, Security, line_of
from transactions.domain.intents import NOT_SERVED, ON_AN_INVESTMENT, SECURITIES, Intent
from transactions.domain.smallcase_order import (
    KINDS,
    OrderKind,
    SmallcaseOrderRequest,
    kind_of,
    line_of_request,
    selections_of,
)
from transactions.lifecycle.create import TransactionRequest
from transactions.queries import selectors

MAX_NOTES: Final = 256
MAX_SECURITIES: Final = 100
SMALLCASE_KEYS: Final = ("scid", "iscid", "amount", "exit", "constituents")
COUNT_OF_SECURITIES: Final = f"must have 1 to {MAX_SECURITIES} securities."


def ticker(**options: Any) -> Matching:
    return Matching(SYMBOL, form="an NSE symbol such as INFY", **options)


def batch_id(**options: Any) -> Matching:
    return Matching(OBJECT_ID, form="24 lower-case hex digits", **options)


def scid(**options: Any) -> Matching:
    return Matching(SCID, form="a smallcase's id such as SCNM_0001", **options)


def notes() -> Text:
    return Text(required=False, allow_null=True, allow_blank=True, max_length=MAX_NOTES)


class SecurityIn(RequestBody):
    """A security in a basket. `quantity` and `type` may each be left to the user, for all securities or for none."""

    ticker = ticker(help_text="NSE symbol")
    quantity = Whole(required=False, min_value=1, max_value=MAX_QUANTITY)
    type = Choice(required=False, choices=[side.value for side in Side])
    orderType = Choice(required=False, choices=[kind.value for kind in OrderType], default="MARKET")
    price = SharePrice(required=False, help_text="Rupees, a multiple of the tick size; required for LIMIT and SL")
    triggerPrice = SharePrice(required=False, help_text="Rupees; required for SL and SLM")
    validity = Choice(required=False, choices=[validity.value for validity in Validity], default="DAY")

    def to_internal_value(self, data: Any) -> Any:
        """Rejects unknown fields: a misspelt `quantity` would silently leave the quantity to the user."""
        stray = sorted(str(key)[:40] for key in data.keys() - self.fields.keys()) if isinstance(data, dict) else []
        if stray:
            raise serializers.ValidationError({name: ["is not a field of a security."] for name in stray})
        return super().to_internal_value(data)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        kind = OrderType(attrs["orderType"])
        stops = {OrderType.SL, OrderType.SLM}
        needs = {"price": kind in {OrderType.LIMIT, OrderType.SL}, "triggerPrice": kind in stops}
        for name, needed in needs.items():
            if needed != (name in attrs):
                problem = f"is required for {kind.value}." if needed else f"is not allowed for {kind.value}."
                raise serializers.ValidationError({name: [problem]})
        return attrs


class SharesIn(RequestBody):
    ticker = ticker()
    shares = Whole(min_value=0, max_value=MAX_QUANTITY)


class ExitIn(RequestBody):
    """How much to sell: a percentage or an amount."""

    percent = Whole(required=False, min_value=1, max_value=100)
    amount = Rupees(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if len(attrs) != 1:
            raise serializers.ValidationError("give exactly one of percent and amount.")
        return attrs


def shares_in() -> "serializers.ListSerializer[Any]":
    return serializers.ListSerializer[Any](
        child=SharesIn(), required=False, allow_empty=False, max_length=MAX_SECURITIES
    )


class OrderConfigIn(RequestBody):
    """The order: `type` SECURITIES and a basket; a smallcase order; or, for CANCEL_ORDER, the order to cancel."""

    type = Text(required=False)
    securities = serializers.ListSerializer[Any](
        child=SecurityIn(),
        required=False,
        allow_empty=False,
        max_length=MAX_SECURITIES,
        error_messages={
            "not_a_list": "must be a list.",
            "empty": COUNT_OF_SECURITIES,
            "max_length": COUNT_OF_SECURITIES,
        },
    )
    notes = notes()
    batchId = batch_id(required=False, help_text="CANCEL_ORDER")
    ticker = ticker(required=False, help_text="CANCEL_ORDER")
    scid = scid(required=False, help_text="For BUY; with an iscid it must be that investment's scid")
    iscid = Matching(OBJECT_ID, form="24 lower-case hex digits", required=False, help_text="For all types but BUY")
    amount = Rupees(required=False, help_text="For BUY, INVESTMORE and REBALANCE: rupees")
    exit = ExitIn(required=False, help_text="For EXIT")
    constituents = shares_in()

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, dict) and "securities" in data:
            mixed = [key for key in SMALLCASE_KEYS if key in data]
            if mixed:
                raise serializers.ValidationError({key: ["is not allowed with securities."] for key in mixed})
        return super().to_internal_value(data)

    def validate_type(self, value: str) -> str:
        if value != SECURITIES and value not in KINDS:
            raise serializers.ValidationError(f"must be {SECURITIES} or one of {', '.join(sorted(KINDS))}.")
        return value

    def validate_securities(self, lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
        for name in ("quantity", "type"):
            if len({name in line for line in lines}) > 1:
                raise serializers.ValidationError(f"{name} must be given for every security, or for none.")
        sides = [(line["ticker"], line.get("type")) for line in lines]
        twice = sorted({symbol for symbol, side in sides if sides.count((symbol, side)) > 1})
        if twice:
            raise serializers.ValidationError([f"{symbol} is given twice with the same type." for symbol in twice])
        return lines


class ConfigIn(RequestBody):
    """The name and logo of the order on the checkout's screens."""

    orderName = Text(required=False, max_length=80)
    orderLogo = Text(required=False, max_length=500, help_text="https URL")

    def validate_orderLogo(self, value: str) -> str:
        if not re.fullmatch(r"https://[^\s\"'<>/]+(/[^\s\"'<>]*)?", value):
            raise serializers.ValidationError("must be an https URL.")
        return value


class CreateTransaction(RequestBody):
    """Create a transaction."""

    intent = Text(help_text="TRANSACTION, CONNECT or CANCEL_ORDER")
    orderConfig = OrderConfigIn(required=False)
    config = ConfigIn(required=False)
    notes = notes()
    batchId = batch_id(required=False, help_text="CANCEL_ORDER")
    ticker = ticker(required=False, help_text="CANCEL_ORDER")
    iscid = Matching(OBJECT_ID, form="24 lower-case hex digits", required=False, help_text="SIP_SETUP, CANCEL_AMO")

    def validate_intent(self, value: str) -> str:
        if value in NOT_SERVED:
            raise serializers.ValidationError(f"{value} is not supported.")
        if value not in set(Intent):
            raise serializers.ValidationError(f"must be one of {', '.join(Intent)}.")
        return value

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        order = attrs.get("orderConfig", {})
        given = {text for text in (attrs.get("notes"), order.get("notes")) if text is not None}
        problems = {} if len(given) < 2 else {"notes": ["differs from orderConfig.notes."]}
        if attrs["intent"] == Intent.TRANSACTION:
            problems |= {f"orderConfig.{name}": ["is required."] for name in _lacking(order)}
            problems |= {f"orderConfig.{name}": [f"is not allowed for {order['type']}."] for name in _straying(order)}
        if attrs["intent"] in ON_AN_INVESTMENT and not attrs.get("iscid", order.get("iscid")):
            problems |= {"iscid": [f"is required for {attrs['intent']}."]}
        if attrs["intent"] == Intent.CANCEL_ORDER:
            problems |= {
                name: ["is required."] for name in ("batchId", "ticker") if not attrs.get(name, order.get(name))
            }
        if problems:
            raise serializers.ValidationError(problems)
        return attrs

    @classmethod
    def request_from(cls, data: Any) -> TransactionRequest:
        """The request for create_transaction. Notes may be in the body or in orderConfig."""
        body = cls.parse(data)
        order = body.get("orderConfig", {})
        intent = Intent(body["intent"])
        basket = [security(line) for line in order.get("securities", ())] if intent is Intent.TRANSACTION else []
        order_request = _order_request(order) if intent is Intent.TRANSACTION and not basket else None
        target = {name: body.get(name, order.get(name)) for name in ("batchId", "ticker", "iscid")}
        return TransactionRequest(
            intent=intent,
            securities=basket,
            order_request=order_request,
            order_config=_kept(intent, basket, order_request, target),
            config=body.get("config", {}),
            notes=body.get("notes") if body.get("notes") is not None else order.get("notes"),
            batch_id=target["batchId"] or "",
            ticker=target["ticker"] or "",
            iscid=target["iscid"] or "",
        )


_CHOICES: Final = {
    "amount": {OrderKind.BUY, OrderKind.INVESTMORE, OrderKind.REBALANCE},
    "exit": {OrderKind.EXIT},
    "constituents": {OrderKind.MANAGE},
}


def _lacking(order: Mapping[str, Any]) -> list[str]:
    if "type" not in order:
        return ["type"] + ([] if "securities" in order else ["securities"])
    if order["type"] == SECURITIES:
        return [] if "securities" in order else ["securities"]
    kind = kind_of(order["type"])
    if kind is OrderKind.BUY:
        return [] if "scid" in order else ["scid"]
    named = "iscid" in order or (kind is OrderKind.INVESTMORE and "scid" in order)
    return [] if named else ["iscid"]


def _straying(order: Mapping[str, Any]) -> list[str]:
    if order.get("type", SECURITIES) == SECURITIES:
        return []
    kind = kind_of(order["type"])
    stray = [name for name, kinds in _CHOICES.items() if name in order and kind not in kinds]
    stray += ["securities"] if "securities" in order else []
    return stray + (["iscid"] if kind is OrderKind.BUY and "iscid" in order else [])


def _order_request(order: Mapping[str, Any]) -> SmallcaseOrderRequest:
    return SmallcaseOrderRequest(
        kind=kind_of(order["type"]),
        scid=order.get("scid", ""),
        iscid=order.get("iscid", ""),
        selections=selections_of(order),
    )


def _kept(
    intent: Intent, basket: list[Security], order_request: SmallcaseOrderRequest | None, target: Mapping[str, Any]
) -> dict[str, Any]:
    """The order to store on the transaction, with the wire's keys."""
    if order_request:
        return line_of_request(order_request)
    if intent is Intent.CANCEL_ORDER:
        return {name: target[name] for name in ("batchId", "ticker")}
    if intent in ON_AN_INVESTMENT:
        return {"iscid": target["iscid"]}
    return {"type": SECURITIES, "securities": [line_of(line) for line in basket]} if basket else {}


def security(line: Mapping[str, Any]) -> Security:
    return Security(
        ticker=line["ticker"],
        quantity=line.get("quantity"),
        side=Side(line["type"]) if "type" in line else None,
        order_type=OrderType(line.get("orderType", "MARKET")),
        validity=Validity(line.get("validity", "DAY")),
        price=line.get("price"),
        trigger_price=line.get("triggerPrice"),
    )


class StatementQuery(RequestBody):
    """The query of an investment's statement. Days in IST, both included."""

    iscid = Matching(OBJECT_ID, form="24 hex digits in lower case")

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        """`from` is a keyword of Python, so it cannot be an attribute."""
        return super().get_fields() | {name: DayText(required=False) for name in ("from", "to")}

    @classmethod
    def request_from(cls, query: Any) -> dict[str, Any]:
        return cls.parse({name: query[name] for name in ("iscid", "from", "to") if name in query})


class OrdersQuery(RequestBody):
    """The query of order details. Unknown ids are skipped."""

    transactionId = serializers.ListField(child=Text(max_length=64), required=False, max_length=100)
    batchId = serializers.ListField(child=Text(max_length=64), required=False, max_length=100)
    iscid = serializers.ListField(
        child=Text(max_length=64), required=False, max_length=100, help_text="Smallcase orders only"
    )
    count = WholeText(required=False, min_value=1, max_value=200, default=50)
    offset = WholeText(required=False, min_value=0, max_value=10_000_000, default=0)

    @classmethod
    def request_from(cls, query: Any, *ids: str) -> selectors.OrderHistoryQuery:
        """`ids` are the parameter names of this endpoint."""
        repeated = {name: query.getlist(name) for name in ids if name in query}
        single = {name: query[name] for name in ("count", "offset") if name in query}
        given = cls.parse(repeated | single)
        return selectors.OrderHistoryQuery(
            transaction_ids=given.get("transactionId", ()),
            batch_ids=given.get("batchId", ()),
            iscids=given.get("iscid", ()),
            offset=given["offset"],
            count=given["count"],
        )
