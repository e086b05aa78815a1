"""The porch: the wire's names and limits end here."""

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from django.utils.dateparse import parse_duration
from rest_framework import serializers

from brokers.port import OrderType, Side, Validity
from brokers.registry import BROKERS
from brokers.simulator.acts import Act
from brokers.simulator.personas import FORCED
from gateway.fields import Body, Choice, Matching, Rupees, Text, Truth, Whole
from gateway.ids import OBJECT_ID
from gateway.models import MarketHours
from transactions.baskets import Security, line_of
from transactions.intents import NOT_SERVED, SECURITIES, SMALLCASE_TYPES, Intent
from transactions.services.intake import Wanted
from transactions.services.play import StopAt, User

MAX_NOTES: Final = 256
MAX_SECURITIES: Final = 100
MAX_QUANTITY: Final = 1_000_000
SYMBOL: Final = re.compile(r"[A-Z0-9][A-Z0-9&-]{0,19}")
CLIENT_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
SMALLCASE_KEYS: Final = ("scid", "iscid", "amount", "exit", "constituents")
COUNT_OF_SECURITIES: Final = f"must hold 1 to {MAX_SECURITIES} securities."


def ticker(**options: Any) -> Matching:
    return Matching(SYMBOL, form="an NSE symbol such as INFY", **options)


def batch_id(**options: Any) -> Matching:
    return Matching(OBJECT_ID, form="24 lower-case hex digits", **options)


def notes() -> Text:
    return Text(required=False, allow_null=True, allow_blank=True, max_length=MAX_NOTES)


class SecurityIn(Body):
    """A security of a basket. `quantity` and `type` may each be left to the user, for all of them or for none."""

    ticker = ticker(help_text="NSE symbol")
    quantity = Whole(required=False, min_value=1, max_value=MAX_QUANTITY)
    type = Choice(required=False, choices=[side.value for side in Side])
    orderType = Choice(required=False, choices=[kind.value for kind in OrderType], default="MARKET")  # noqa: N815
    price = Rupees(required=False, help_text="Rupees, a multiple of the tick size; LIMIT and SL need it")
    triggerPrice = Rupees(required=False, help_text="Rupees; SL and SLM need it")  # noqa: N815
    validity = Choice(required=False, choices=[validity.value for validity in Validity], default="DAY")

    def to_internal_value(self, data: Any) -> Any:
        """A misspelt `quantity` would silently leave it to the user, so a stray field is refused here."""
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
                problem = f"is required for {kind.value}." if needed else f"does not go with {kind.value}."
                raise serializers.ValidationError({name: [problem]})
        return attrs


class OrderConfigIn(Body):
    """What to trade: `type` SECURITIES and a basket; or, for CANCEL_ORDER, which order."""

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
    batchId = batch_id(required=False, help_text="CANCEL_ORDER")  # noqa: N815
    ticker = ticker(required=False, help_text="CANCEL_ORDER")

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, dict) and "securities" in data:
            mixed = [key for key in SMALLCASE_KEYS if key in data]
            if mixed:
                raise serializers.ValidationError({key: ["does not go with a basket of securities."] for key in mixed})
        return super().to_internal_value(data)

    def validate_type(self, value: str) -> str:
        if value in SMALLCASE_TYPES:
            raise serializers.ValidationError(f"{value} is a smallcase order, which is not supported yet.")
        if value != SECURITIES:
            raise serializers.ValidationError(f"must be {SECURITIES}.")
        return value

    def validate_securities(self, lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
        for name in ("quantity", "type"):
            if len({name in line for line in lines}) > 1:
                raise serializers.ValidationError(f"{name} must be given for every security, or for none.")
        sides = [(line["ticker"], line.get("type")) for line in lines]
        twice = sorted({symbol for symbol, side in sides if sides.count((symbol, side)) > 1})
        if twice:
            raise serializers.ValidationError([f"{symbol} stands twice on the same side." for symbol in twice])
        return lines


class ConfigIn(Body):
    """How the basket presents itself on the screens."""

    orderName = Text(required=False, max_length=80)  # noqa: N815
    orderLogo = Text(required=False, max_length=500, help_text="https URL")  # noqa: N815

    def validate_orderLogo(self, value: str) -> str:  # noqa: N802
        if not re.fullmatch(r"https://[^\s\"'<>/]+(/[^\s\"'<>]*)?", value):
            raise serializers.ValidationError("must be an https URL.")
        return value


class CreateTransaction(Body):
    """Create a transaction."""

    intent = Text(help_text="TRANSACTION, CONNECT or CANCEL_ORDER")
    orderConfig = OrderConfigIn(required=False)  # noqa: N815
    config = ConfigIn(required=False)
    notes = notes()
    batchId = batch_id(required=False, help_text="CANCEL_ORDER")  # noqa: N815
    ticker = ticker(required=False, help_text="CANCEL_ORDER")

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
            problems |= {
                f"orderConfig.{name}": ["is required."] for name in ("type", "securities") if name not in order
            }
        if attrs["intent"] == Intent.CANCEL_ORDER:
            problems |= {
                name: ["is required."] for name in ("batchId", "ticker") if not attrs.get(name, order.get(name))
            }
        if problems:
            raise serializers.ValidationError(problems)
        return attrs

    @classmethod
    def wanted(cls, data: Any) -> Wanted:
        """The body as the intake takes it, notes from either place."""
        body = cls.parse(data)
        order = body.get("orderConfig", {})
        intent = Intent(body["intent"])
        basket = [security(line) for line in order.get("securities", ())] if intent is Intent.TRANSACTION else []
        target = {name: body.get(name, order.get(name)) for name in ("batchId", "ticker")}
        kept = {"type": SECURITIES, "securities": [line_of(line) for line in basket]} if basket else {}
        return Wanted(
            intent=intent,
            securities=basket,
            order_config=target if intent is Intent.CANCEL_ORDER else kept,
            config=body.get("config", {}),
            notes=body.get("notes") if body.get("notes") is not None else order.get("notes"),
            batch_id=target["batchId"] or "",
            ticker=target["ticker"] or "",
        )


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


class ChosenIn(Body):
    ticker = ticker()
    quantity = Whole(required=False, min_value=1, max_value=MAX_QUANTITY)
    type = Choice(required=False, choices=[side.value for side in Side])


class Complete(Body):
    """What the user does at the checkout. A connected transaction knows broker and clientId already."""

    broker = Choice(required=False, choices=list(BROKERS))
    clientId = Matching(CLIENT_ID, form="letters, digits, dots and hyphens, 64 at most", required=False)  # noqa: N815
    pin = Text(required=False, max_length=64, default="1234")
    amo = Truth(required=False, default=False)
    securities = serializers.ListSerializer[Any](child=ChosenIn(), required=False, max_length=MAX_SECURITIES)
    stopAt = Choice(required=False, choices=[stop.value for stop in StopAt])  # noqa: N815

    @classmethod
    def user(cls, data: Any) -> User:
        body = cls.parse(data)
        return User(
            broker=body.get("broker"),
            client_id=body.get("clientId"),
            pin=body["pin"],
            amo=body["amo"],
            chosen={line["ticker"]: security(line) for line in body.get("securities", ())},
            stop_at=StopAt(body["stopAt"]) if "stopAt" in body else None,
        )


class MarketIn(Body):
    hours = Choice(choices=[hours.value for hours in MarketHours])


class ClockIn(Body):
    """Exactly one of the three."""

    advance = Text(required=False, max_length=40, help_text="ISO 8601 duration, such as PT15M or P1D")
    set = serializers.DateTimeField(required=False, help_text="ISO 8601, not before now")
    reset = Truth(required=False)

    def validate_advance(self, value: str) -> timedelta:
        try:
            duration = parse_duration(value) if value.startswith("P") else None
        except OverflowError:
            duration = None
        if duration is None:
            raise serializers.ValidationError("must be an ISO 8601 duration such as PT15M or P1D.")
        return duration

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if len(attrs) != 1:
            raise serializers.ValidationError("Give exactly one of advance, set and reset.")
        return attrs


class PriceIn(Body):
    price = Rupees(help_text="Rupees, a multiple of the tick size")


class ActIn(Body):
    """At the broker's side; the gateway hears of it when it next asks."""

    action = Choice(choices=[act.value for act in Act])
    quantity = Whole(required=False, min_value=1, max_value=MAX_QUANTITY, help_text="fill, partial: shares")
    price = Rupees(required=False, help_text="fill, partial: rupees a share; else the market's price")
    errorCode = Choice(required=False, choices=list(FORCED), help_text="reject, cancel")  # noqa: N815


class OrdersQuery(Body):
    """The query of order details; ids that are none of ours are passed over."""

    transactionId = serializers.ListField(child=Text(max_length=64), required=False, max_length=100)  # noqa: N815
    batchId = serializers.ListField(child=Text(max_length=64), required=False, max_length=100)  # noqa: N815
    count = serializers.IntegerField(required=False, min_value=1, max_value=200, default=50)
    offset = serializers.IntegerField(required=False, min_value=0, max_value=10_000_000, default=0)

    @classmethod
    def of(cls, query: Any) -> dict[str, Any]:
        repeated = {name: query.getlist(name) for name in ("transactionId", "batchId") if name in query}
        single = {name: query[name] for name in ("count", "offset") if name in query}
        return cls.parse(repeated | single)
