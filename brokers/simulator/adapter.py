"""The simulated brokers' adapter. No process runs for them: the order book is brought up to date when it is read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import ClassVar, Final

from brokers.ports.broker import Ack, Holding, LiveSession, LoginEnded, NewOrder, Refused, Report, SentOrder, Verb
from brokers.simulator import order_entry, sql
from brokers.simulator.account_books import books
from brokers.simulator.faults import link_faults
from brokers.simulator.faults.link_faults import over_the_link
from brokers.simulator.matching import Terms, bring_up_to_date, cancel
from brokers.simulator.models import SimAccount, SimOrder
from brokers.simulator.personas import (
    FORCED,
    PIN_PREFIX,
    Persona,
    Treatment,
    lent_shares,
    opening_funds,
    persona_of,
    treatment_of,
)
from brokers.simulator.slices import slices_of
from gateway.partners import clock

_REFUSALS: Final = {
    "adapterError": "The broker could not be reached.",
    "tradingSystemNotReady": "The broker is not accepting orders.",
    "sessionExpired": "The session at the broker has expired.",
}


@dataclass(frozen=True, slots=True)
class SimulatedBroker:
    """One adapter for all simulated brokers; the login names the broker."""

    terms: Mapping[str, Terms]
    has_unique_refs: ClassVar[bool] = True

    def login(self, *, gateway: int, broker: str, client_id: str, pin: str, now: datetime) -> LiveSession:
        with link_faults.login_over_the_link(gateway, broker):
            return self._logged_in(gateway, broker, client_id, pin, now)

    def _logged_in(self, gateway: int, broker: str, client_id: str, pin: str, now: datetime) -> LiveSession:
        persona = persona_of(client_id)
        forced = pin.removeprefix(PIN_PREFIX) if pin.startswith(PIN_PREFIX) else ""
        if persona is Persona.LOGIN_FAILS or not pin or pin == PIN_PREFIX or (forced and not _is_forceable(forced)):
            raise Refused("clientNotEnabled", "The broker has no client with this id and PIN.")
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
        token = link_faults.session_token(forced, started_at=clock.wall())
        return LiveSession(gateway=gateway, broker=broker, client_id=client_id, token=token)

    def funds(self, session: LiveSession, *, now: datetime) -> Decimal:
        return over_the_link(Verb.FUNDS, session, lambda account: books.free_funds(_known(account, session), now))

    def holdings(self, session: LiveSession, *, now: datetime, tickers: Sequence[str] = ()) -> Sequence[Holding]:
        def held(account: SimAccount | None) -> Sequence[Holding]:
            known = _known(account, session)
            return books.sellable(known, tickers, now) if tickers else books.holdings(known, now)

        return over_the_link(Verb.HOLDINGS, session, held)

    def place(self, session: LiveSession, order: NewOrder, *, now: datetime) -> Ack:
        forced = link_faults.forced_error(session)
        treatment = treatment_of(
            persona_of(session.client_id), forced=forced, position=order.position, basket_size=order.basket_size
        )

        def booked(account: SimAccount | None) -> SimOrder:
            if treatment.refused:
                raise Refused(treatment.refused, _REFUSALS[treatment.refused])
            return _booked(_known(account, session), order, treatment, now)

        order_entry.enter(session, order, booked)
        return Ack(order.ref, f"SIM-{order.ref}")

    def order_book(self, session: LiveSession, refs: Sequence[str], *, now: datetime) -> Sequence[Report]:
        said = over_the_link(Verb.ORDER_BOOK, session, lambda account: self._reports(account, refs, now))
        return link_faults.repeated(said) if persona_of(session.client_id) is Persona.REPEATS else said

    def cancel(self, session: LiveSession, order: SentOrder, *, now: datetime) -> None:
        over_the_link(Verb.CANCEL, session, lambda account: cancel(self._up_to_date(account, [order.ref], now), now))

    def _reports(self, account: SimAccount | None, refs: Sequence[str], now: datetime) -> list[Report]:
        reported = [o for o in self._up_to_date(account, refs, now) if not link_faults.is_silent(o, now)]
        slices = slices_of(reported)
        return [replace(link_faults.report_of(order), slices=slices.get(order.pk, ())) for order in reported]

    def _up_to_date(self, account: SimAccount | None, refs: Sequence[str], now: datetime) -> list[SimOrder]:
        """The orders of a locked account, matched up to `now`; none of an unknown client."""
        if account is None:
            return []
        orders = sql.orders_of(account.pk, refs)
        terms = self.terms[account.broker]
        bring_up_to_date(account, orders, terms, now)
        return orders


def _is_forceable(forced: str) -> bool:
    return forced in FORCED or (forced.isascii() and forced.isdigit())


def _known(account: SimAccount | None, session: LiveSession) -> SimAccount:
    if account is None:
        raise SimAccount.DoesNotExist(f"{session.broker} has no client {session.client_id}.")
    return account


def _booked(account: SimAccount, new: NewOrder, treatment: Treatment, now: datetime) -> SimOrder:
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
        fill_behaviour=treatment.behaviour.value,
        fill_error_code=treatment.error_code,
        unreported_until=link_faults.unreported_until(treatment.silence, now),
        garbled=treatment.garbled,
    )
