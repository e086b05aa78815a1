"""An investment comes to be, grows, moves to a version and ends: by the fills of its orders, and by nothing else."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from brokers.ports.broker import Side
from gateway.models import Account, Gateway
from gateway.values.errors import Conflict
from smallcases.api import payloads
from smallcases.models import Investment, InvestmentFill, Sip, Version
from smallcases.portfolio.investments import investment_of, newest_version
from webhooks.events.event_types import EventType
from webhooks.events.record_events import record_events


@dataclass(frozen=True, slots=True)
class Executed:
    """All that one order has filled so far, at its average price in rupees."""

    order_ref: str
    ticker: str
    side: Side
    shares: int
    price: Decimal


@dataclass(frozen=True, slots=True)
class InvestmentChange:
    """What an order does to its investment beside its shares: a rebalance moves the version, MANAGE departs from it."""

    iscid: str
    version: Version
    moves_version: bool = False
    customised: bool = False


class StillHasSip(Conflict):
    """An investment that has come of no fill would remain, because a SIP stands on it."""


def apply_fills(
    *,
    gateway: Gateway,
    account: Account,
    change: InvestmentChange,
    executed: Sequence[Executed],
    now: datetime,
    withdrawn: Sequence[str] = (),
) -> Investment | None:
    """Twice is once: a fill is kept by its order's ref, and a later report replaces it. None while nothing filled.

    The caller holds the batch's row, of which an investment has one open at a time; the investment's row is locked.
    `withdrawn` are refs of orders that have not filled after all; an investment whose last fill goes was none.
    """
    if not executed:
        _withdraw(account, change.iscid, withdrawn, now)
        return investment_of(account, change.iscid)
    investment = _opened(gateway, account, change, now)
    if withdrawn:
        investment.fills.filter(order_ref__in=withdrawn).delete()
    InvestmentFill.objects.bulk_create(
        (_fill(investment, done, now) for done in executed),
        update_conflicts=True,
        unique_fields=["order_ref"],
        update_fields=["shares", "price"],
    )
    _move(investment, change)
    return _settled(account, change.iscid, now)


def _withdraw(account: Account, iscid: str, refs: Sequence[str], now: datetime) -> None:
    """These fills were none; nor was the investment, if it has no other."""
    mine = Investment.objects.select_for_update(of=("self",)).filter(account=account, iscid=iscid)
    investment = mine.first() if refs else None
    if investment is None:
        return
    InvestmentFill.objects.filter(investment=investment, order_ref__in=refs).delete()
    if investment.fills.exists():
        _settled(account, iscid, now)
    elif Sip.objects.filter(investment=investment).exists():
        raise StillHasSip("A SIP stands on this investment, which would be none without these shares.")
    else:
        investment.delete()


def _opened(gateway: Gateway, account: Account, change: InvestmentChange, now: datetime) -> Investment:
    investment, is_new = Investment.objects.select_for_update(of=("self",)).get_or_create(
        iscid=change.iscid,
        defaults={
            "gateway": gateway,
            "account": account,
            "smallcase_id": change.version.smallcase_id,
            "version": change.version,
            "created_at": now,
        },
    )
    if is_new:
        _notify_of_newer_version(investment, now)
    return investment


def _notify_of_newer_version(investment: Investment, now: datetime) -> None:
    """One that was published between order and first fill has been announced to others only."""
    newest = newest_version(investment.smallcase)
    if newest.number > investment.version.number:
        pending = payloads.pending_rebalance_event(investment, newest)
        record_events(
            gateway=investment.gateway,
            kind=EventType.ACTION_PENDING,
            payloads={investment.iscid: pending},
            now=now,
        )


def _fill(investment: Investment, done: Executed, now: datetime) -> InvestmentFill:
    return InvestmentFill(
        investment=investment,
        order_ref=done.order_ref,
        ticker=done.ticker,
        side=done.side.value,
        shares=done.shares,
        price=done.price,
        at=now,
    )


def _move(investment: Investment, change: InvestmentChange) -> None:
    if change.moves_version:
        older = Investment.objects.filter(pk=investment.pk, version__number__lt=change.version.number)
        older.update(version=change.version, is_customised=False)  # a late report on an old order moves nothing back
    elif change.customised:
        Investment.objects.filter(pk=investment.pk).update(is_customised=True)


def _settled(account: Account, iscid: str, now: datetime) -> Investment:
    """Exited when nothing is held; a late report may bring it back."""
    investment = investment_of(account, iscid)
    if investment is None:
        raise AssertionError("An investment was opened in this transaction.")
    exited_at = None if _holds_any(investment) else investment.exited_at or now
    if exited_at != investment.exited_at:
        Investment.objects.filter(pk=investment.pk).update(exited_at=exited_at)
        investment.exited_at = exited_at
    return investment


def _holds_any(investment: Investment) -> bool:
    """By the bare sums: whatever the books say, an order's own facts are written."""
    shares: Counter[str] = Counter()
    for fill in investment.fills.all():
        shares[fill.ticker] += fill.shares if fill.side == Side.BUY else -fill.shares
    return any(held > 0 for held in shares.values())


def adopt_version(investment: Investment, version: Version) -> None:
    """A rebalance for which there is nothing to trade."""
    Investment.objects.filter(pk=investment.pk).update(version=version, is_customised=False)
