"""Serializers of the Sandbox API: users, the market, the clock, prices and brokers."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.utils.dateparse import parse_duration
from rest_framework import serializers

from brokers.ports.broker import Side, Verb
from brokers.ports.registry import BROKERS
from brokers.simulator.faults import switched_faults
from brokers.simulator.order_actions import ActionKind
from brokers.simulator.personas import FORCED, LinkFault
from gateway.api.fields import Choice, Matching, RequestBody, Rupees, SharePrice, Text, Truth, Whole
from gateway.models import MarketHours
from gateway.values.ids import CLIENT_ID
from smallcases.sips.schedule import FREQUENCIES
from smallcases.sips.sip_changes import SipRequest
from transactions.api.serializers import MAX_SECURITIES, ExitIn, security, shares_in, ticker
from transactions.checkout.confirm import UserSelections
from transactions.domain.basket import MAX_QUANTITY
from transactions.domain.smallcase_order import selections_of
from transactions.sandbox.scripted_checkout import StopAt, User


class ChosenIn(RequestBody):
    ticker = ticker()
    quantity = Whole(required=False, min_value=1, max_value=MAX_QUANTITY)
    type = Choice(required=False, choices=[side.value for side in Side])


class SipIn(RequestBody):
    """A SIP to create or change; `end` true ends the SIP."""

    amount = Rupees(required=False)
    frequency = Choice(required=False, choices=FREQUENCIES)
    scheduledDate = serializers.DateField(required=False, help_text="The first date, IST")
    sipType = Choice(required=False, choices=["manual"])
    end = Truth(required=False, default=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        missing = [name for name in ("amount", "frequency", "scheduledDate") if name not in attrs]
        if missing and not attrs["end"]:
            raise serializers.ValidationError({name: ["is required."] for name in missing})
        return attrs


def _sip(line: Mapping[str, Any]) -> SipRequest:
    if line["end"]:
        return SipRequest(end=True)
    return SipRequest(amount=line["amount"], frequency=line["frequency"], starts_on=line["scheduledDate"])


class Complete(RequestBody):
    """The user's actions in the checkout. A connected transaction already has broker and clientId."""

    broker = Choice(required=False, choices=list(BROKERS))
    clientId = Matching(CLIENT_ID, form="at most 64 letters, digits, dots and hyphens", required=False)
    pin = Text(required=False, max_length=64, default="1234")
    amo = Truth(required=False, default=False)
    securities = serializers.ListSerializer[Any](child=ChosenIn(), required=False, max_length=MAX_SECURITIES)
    amount = Rupees(required=False, help_text="BUY, INVESTMORE: rupees")
    constituents = shares_in()
    exit = ExitIn(required=False)
    sip = SipIn(required=False)
    stopAt = Choice(required=False, choices=[stop.value for stop in StopAt])

    @classmethod
    def user(cls, data: Any) -> User:
        body = cls.parse(data)
        return User(
            broker=body.get("broker"),
            client_id=body.get("clientId"),
            pin=body["pin"],
            selections=UserSelections(
                securities={line["ticker"]: security(line) for line in body.get("securities", ())},
                smallcase=selections_of(body),
                sip=_sip(body["sip"]) if "sip" in body else None,
                amo=body["amo"],
            ),
            stop_at=StopAt(body["stopAt"]) if "stopAt" in body else None,
        )


class MarketIn(RequestBody):
    hours = Choice(choices=[hours.value for hours in MarketHours])


class ClockIn(RequestBody):
    """Exactly one of the three fields."""

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


def _fault() -> Matching:
    return Matching(switched_faults.WRITTEN, form=switched_faults.FORMS, required=False, allow_null=True)


class FaultsIn(RequestBody):
    """Changes the faults of the verbs that it names. Seconds are real ones, with at most three decimals."""

    login = _fault()
    funds = _fault()
    holdings = _fault()
    place = _fault()
    order_book = _fault()
    cancel = _fault()

    @classmethod
    def faults(cls, data: Any) -> dict[Verb, LinkFault | None]:
        return {Verb(verb): text and switched_faults.fault_named(text) for verb, text in cls.parse(data).items()}

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping) and (unknown := data.keys() - self.fields):
            raise serializers.ValidationError({str(name): ["is not a verb of a broker."] for name in unknown})
        return super().to_internal_value(data)


class PriceIn(RequestBody):
    price = SharePrice(help_text="Rupees, a multiple of the tick size")


class ActIn(RequestBody):
    """An action at the broker. The gateway sees the result with its next poll."""

    action = Choice(choices=[act.value for act in ActionKind])
    quantity = Whole(required=False, min_value=1, max_value=MAX_QUANTITY, help_text="For fill and partial: shares")
    price = SharePrice(required=False, help_text="For fill and partial: rupees per share; default: the market price")
    errorCode = Choice(required=False, choices=list(FORCED), help_text="For reject and cancel")
