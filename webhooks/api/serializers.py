"""Serializers for the webhook endpoints: names and limits of the wire."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from rest_framework import serializers

from gateway.api.fields import Choice, Matching, RequestBody, Text, Truth, WholeText
from gateway.values.ids import OBJECT_ID
from webhooks.events.event_types import EventType
from webhooks.events.replay import Span
from webhooks.events.selectors import RequestedEvents, row_of
from webhooks.models import DeliveryStatus

EVENT_ID: Final = re.compile(r"evt_[0-9a-f]{24}")
REPLAY_KEY: Final = re.compile(r"rpl_[0-9a-f]{24}")
MOST_EVENTS: Final = 100
TYPES: Final = [kind.value for kind in EventType]


class EventsQuery(RequestBody):
    """Filters for events. An unknown transactionId matches no event."""

    transactionId = Text(required=False, max_length=64, default="")
    type = Choice(required=False, choices=TYPES)
    status = Choice(required=False, choices=DeliveryStatus.values)
    cursor = Text(required=False, max_length=300)
    count = WholeText(required=False, min_value=1, max_value=MOST_EVENTS, default=20)

    @classmethod
    def request_from(cls, query: Any) -> RequestedEvents:
        values = cls.parse({name: query[name] for name in cls.names() if name in query})
        return RequestedEvents(
            transaction_id=values["transactionId"],
            kind=EventType(values["type"]) if "type" in values else None,
            status=DeliveryStatus(values["status"]) if "status" in values else None,
            before=row_of(values["cursor"]) if "cursor" in values else None,
            count=values["count"],
        )


class ReplayIn(RequestBody):
    """Exactly one of eventIds and since; until, type and onlyMissed only with since."""

    eventIds = serializers.ListSerializer[Any](
        child=Matching(EVENT_ID, form="an eventId"), required=False, allow_empty=False, max_length=MOST_EVENTS
    )
    since = serializers.DateTimeField(required=False, help_text="Recorded at this time or later (gateway's clock)")
    until = serializers.DateTimeField(required=False, help_text="Recorded before this time")
    type = Choice(required=False, choices=TYPES)
    onlyMissed = Truth(required=False, help_text="Skip deliveries that succeeded")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("eventIds" in attrs) == ("since" in attrs):
            raise serializers.ValidationError("Give exactly one of eventIds and since.")
        if "eventIds" in attrs and len(attrs) > 1:
            raise serializers.ValidationError("until, type and onlyMissed are only accepted with since.")
        if "until" in attrs and attrs["until"] <= attrs["since"]:
            raise serializers.ValidationError({"until": ["must be after since."]})
        return attrs

    @classmethod
    def request_from(cls, data: Any) -> list[str] | Span:
        """A list of event ids, or a span of time."""
        body = cls.parse(data)
        return list(body["eventIds"]) if "eventIds" in body else _span(body)


class EnableIn(RequestBody):
    recoverSince = serializers.DateTimeField(
        required=False, help_text="Also replay events missed since then; otherwise only new events are sent"
    )

    @classmethod
    def since(cls, data: Any) -> datetime | None:
        since: datetime | None = cls.parse(data).get("recoverSince")
        return since


class SampleIn(RequestBody):
    type = Choice(choices=TYPES)
    endpointId = Matching(
        OBJECT_ID,
        form="24 lower-case hex digits",
        required=False,
        help_text="This endpoint only, whatever it subscribes to; otherwise all that subscribe to the type",
    )


def _span(body: Mapping[str, Any]) -> Span:
    return Span(
        since=body["since"],
        until=body.get("until"),
        kind=EventType(body["type"]) if "type" in body else None,
        only_missed=body.get("onlyMissed", False),
    )
