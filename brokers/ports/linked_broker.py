"""A broker's adapter behind its link: callers never reach an adapter by another way."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import partial

from brokers.ports.broker import Ack, Broker, Holding, LiveSession, NewOrder, Report, SentOrder, Verb
from brokers.ports.links import links
from brokers.ports.outages import Link


@dataclass(frozen=True, slots=True)
class LinkedBroker:
    """The port, with brokers.ports.links between the caller and the adapter."""

    adapter: Broker

    @property
    def has_unique_refs(self) -> bool:
        return self.adapter.has_unique_refs

    def login(self, *, gateway: int, broker: str, client_id: str, pin: str, now: datetime) -> LiveSession:
        question = partial(self.adapter.login, gateway=gateway, broker=broker, client_id=client_id, pin=pin, now=now)
        return links.ask_for_user((gateway, broker), Verb.LOGIN, question)

    def funds(self, session: LiveSession, *, now: datetime) -> Decimal:
        return links.ask_for_user(_link(session), Verb.FUNDS, partial(self.adapter.funds, session, now=now))

    def holdings(self, session: LiveSession, *, now: datetime, tickers: Sequence[str] = ()) -> Sequence[Holding]:
        question = partial(self.adapter.holdings, session, now=now, tickers=tickers)
        return links.ask_for_user(_link(session), Verb.HOLDINGS, question)

    def place(self, session: LiveSession, order: NewOrder, *, now: datetime) -> Ack:
        return links.ask(_link(session), Verb.PLACE, partial(self.adapter.place, session, order, now=now))

    def order_book(self, session: LiveSession, refs: Sequence[str], *, now: datetime) -> Sequence[Report]:
        return links.ask(_link(session), Verb.ORDER_BOOK, partial(self.adapter.order_book, session, refs, now=now))

    def cancel(self, session: LiveSession, order: SentOrder, *, now: datetime) -> None:
        links.ask(_link(session), Verb.CANCEL, partial(self.adapter.cancel, session, order, now=now))


def _link(session: LiveSession) -> Link:
    return session.gateway, session.broker
