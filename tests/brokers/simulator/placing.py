"""Places a basket at a simulated broker, order by order."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from brokers.ports.broker import Ack, Broker, LiveSession, NewOrder, Refused


def place_each(
    broker: Broker, session: LiveSession, orders: Sequence[NewOrder], *, now: datetime
) -> list[Ack | Refused]:
    """The answers to orders that were confirmed together."""
    answers: list[Ack | Refused] = []
    for position, order in enumerate(orders):
        numbered = replace(order, position=position, basket_size=len(orders))
        try:
            answers.append(broker.place(session, numbered, now=now))
        except Refused as refusal:
            answers.append(refusal)
    return answers
