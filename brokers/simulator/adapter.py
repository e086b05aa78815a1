"""The simulated brokers behind the port. Nothing runs by itself: the book is brought up to date when it is read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from django.db.models import QuerySet
from django.db.transaction import atomic

from brokers.charges import Tariff
from brokers.port import Ack, Holding, Login, LoginEnded, LoginRefused, NewOrder, Report
from brokers.simulator import books, link
from brokers.simulator.matching import bring_up_to_date, cancel
from brokers.simulator.models import SimAccount, SimOrder
from brokers.simulator.personas import (
    FORCED,
    PIN_PREFIX,
    Persona,
    Treatment,
    lent_shares,
    line_of,
    opening_funds,
    persona_of,
    treatments,
)
from gateway.compiled import compiled, first
from gateway.updating import insert_each

_REFUSALS: Final = {
    "adapterError": "The broker could not be reached.",
    "tradingSystemNotReady": "The broker is not accepting orders.",
    "sessionExpired": "The session at the broker has expired.",
}


@dataclass(frozen=True, slots=True)
class Terms:
    """What differs between the simulated brokers."""

    latency: timedelta
    tariff: Tariff


@dataclass(frozen=True, slots=True)
class SimulatedBroker:
    """One adapter for all of them; the login says which."""

    terms: Mapping[str, Terms]

    def login(self, *, gateway: int, broker: str, client_id: str, pin: str, now: datetime) -> Login:
        """The token carries the errorCode that the PIN forces on every order, or nothing."""
        persona = persona_of(client_id)
        forced = pin.removeprefix(PIN_PREFIX) if pin.startswith(PIN_PREFIX) else ""
        if persona is Persona.LOGIN_FAILS or not pin or pin == PIN_PREFIX or (forced and not _is_forceable(forced)):
            raise LoginRefused
        if forced.isdigit():
            raise LoginEnded(int(forced))
        SimAccount.objects.get_or_create(
            gateway_id=gateway,
            broker=broker,
            client_id=client_id,
            defaults={
                "opening_funds": opening_funds(persona),
                "lent_shares": lent_shares(persona),
                "opened_at": now,
            },
        )
        return Login(gateway=gateway, broker=broker, client_id=client_id, token=forced)

    def funds(self, login: Login, *, now: datetime) -> Decimal:
        return books.free_funds(_account(login))

    def holdings(self, login: Login, *, now: datetime, tickers: Sequence[str] = ()) -> Sequence[Holding]:
        account = _account(login)
        return books.sellable(account, tickers) if tickers else books.holdings(account)

    def place(self, login: Login, basket: Sequence[NewOrder], *, now: datetime) -> Sequence[Ack]:
        """The unique ref makes the second placing of an order write nothing."""
        account = _account(login)
        persona = persona_of(login.client_id)
        fates = treatments(persona, forced=login.token, count=len(basket))
        link.before(line_of(persona))
        placed = [_booked(account, new, fate, now) for new, fate in zip(basket, fates, strict=True) if not fate.refused]
        insert_each(placed, pass_over_known=True)
        link.after(line_of(persona))
        return [
            _ack(new.ref, fate) for new, fate in zip(basket, fates, strict=True) if fate.refused or fate.silence is None
        ]

    def order_book(self, login: Login, refs: Sequence[str], *, now: datetime) -> Sequence[Report]:
        with atomic():
            orders = _orders(login, refs)
            bring_up_to_date(orders, self.terms[login.broker].latency, self.terms[login.broker].tariff, now)
        said = [link.heard(order) for order in orders if not link.is_silent(order, now)]
        return link.echoed(line_of(persona_of(login.client_id)), said)

    def cancel(self, login: Login, refs: Sequence[str], *, now: datetime) -> None:
        with atomic():
            orders = _orders(login, refs)
            bring_up_to_date(orders, self.terms[login.broker].latency, self.terms[login.broker].tariff, now)
            cancel(orders, now)


def _is_forceable(forced: str) -> bool:
    return forced in FORCED or (forced.isascii() and forced.isdigit())


def _account(login: Login) -> SimAccount:
    account = first(_accounts(gateway=login.gateway, broker=login.broker, client_id=login.client_id))
    if account is None:
        raise SimAccount.DoesNotExist(f"{login.broker} knows no client {login.client_id}.")
    return account


@compiled
def _accounts(*, gateway: int, broker: str, client_id: str) -> QuerySet[SimAccount]:
    return SimAccount.objects.filter(gateway=gateway, broker=broker, client_id=client_id)


def _orders(login: Login, refs: Sequence[str]) -> list[SimOrder]:
    """Locked, with their account."""
    return _orders_of(gateway=login.gateway, broker=login.broker, client_id=login.client_id, refs=list(refs))


@compiled
def _orders_of(*, gateway: int, broker: str, client_id: str, refs: list[str]) -> QuerySet[SimOrder]:
    mine = SimOrder.objects.filter(
        account__gateway=gateway, account__broker=broker, account__client_id=client_id, ref__in=refs
    )
    return mine.select_related("account__gateway").select_for_update(of=("self",)).order_by("pk")


def _ack(ref: str, fate: Treatment) -> Ack:
    return Ack(ref, fate.refused, _REFUSALS[fate.refused]) if fate.refused else Ack(ref)


def _booked(account: SimAccount, new: NewOrder, fate: Treatment, now: datetime) -> SimOrder:
    return SimOrder(
        account=account,
        ref=new.ref,
        ticker=new.ticker,
        side=new.side.value,
        quantity=new.quantity,
        order_type=new.order_type.value,
        variety=new.variety.value,
        validity=new.validity.value,
        price=new.price,
        trigger_price=new.trigger_price,
        placed_at=now,
        fate=fate.fate.value,
        fate_code=fate.error_code,
        silent_until=link.silent_until(fate.silence, now),
        garbled=fate.garbled,
    )
