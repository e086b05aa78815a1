"""Applies the fills of orders to an investment. Only fills create, change and end an investment."""

from collections import Counter
from collections.abc import Mapping, Sequence
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
from webhooks.events.record_events import EventDraft, record_events


@dataclass(frozen=True, slots=True)
class Executed:
    """The total fill of one order so far, at its average price in rupees."""

    order_ref: str
    ticker: str
    side: Side
    shares: int
    price: Decimal


@dataclass(frozen=True, slots=True)
class Customisation:
    """The effect of an investment's MANAGE orders on a version: whether one has filled, and the target that it chose.

    `target` as in Investment; None for orders of an older release, which kept none.
    """

    is_customised: bool
    target: Mapping[str, str] | None


@dataclass(frozen=True, slots=True)
class InvestmentChange:
    """An order's effect besides shares: a rebalance changes the version, MANAGE customises the investment."""

    iscid: str
    version: Version
    moves_version: bool = False
    customisation: Customisation | None = None


class StillHasSip(Conflict):
    """The investment would have no fill left, but cannot be deleted because it has a SIP."""


def apply_fills(
    *,
    gateway: Gateway,
    account: Account,
    change: InvestmentChange,
    executed: Sequence[Executed],
    now: datetime,
    withdrawn: Sequence[str] = (),
) -> Investment | None:
    """The investment after these fills; None if nothing was filled.

    Twice is safe: a fill's key is its order's ref, and a later report replaces the row. The caller has locked the
    batch, and an investment has at most one open batch; the investment's row is locked here. `withdrawn` are refs of
    orders whose reported fill was wrong; an investment without fills is deleted. Raises StillHasSip.
    """
    if not executed:
        _withdraw(account, change, withdrawn, now)
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
    _customise(investment, change)
    return _settled(account, change.iscid, now)


def _withdraw(account: Account, change: InvestmentChange, refs: Sequence[str], now: datetime) -> None:
    """Deletes these fills, and the investment if no fill is left."""
    mine = Investment.objects.select_for_update(of=("self",)).filter(account=account, iscid=change.iscid)
    investment = mine.first() if refs else None
    if investment is None:
        return
    InvestmentFill.objects.filter(investment=investment, order_ref__in=refs).delete()
    if investment.fills.exists():
        _customise(investment, change)
        _settled(account, change.iscid, now)
    elif Sip.objects.filter(investment=investment).exists():
        raise StillHasSip("This investment has a SIP and cannot be left without fills. End the SIP first.")
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
    """A version published between the order and the first fill was announced to other investors only."""
    newest = newest_version(investment.smallcase)
    if newest.number > investment.version.number:
        pending = payloads.pending_rebalance_event(investment, newest)
        record_events(
            EventDraft(
                gateway=investment.gateway,
                kind=EventType.ACTION_PENDING,
                subject=investment.iscid,
                payload=pending,
                now=now,
            ),
            is_bulk=True,
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
        # A late report on an old order moves nothing back.
        older.update(version=change.version, is_customised=False, target=None)


def _customise(investment: Investment, change: InvestmentChange) -> None:
    """A rebalance since then, which has changed the version, has replaced the target."""
    if change.customisation is not None:
        same = Investment.objects.filter(pk=investment.pk, version=change.version)
        same.update(is_customised=change.customisation.is_customised, target=change.customisation.target)


def _settled(account: Account, iscid: str, now: datetime) -> Investment:
    """Marks the investment as exited if it holds nothing; a late report may reopen it."""
    investment = investment_of(account, iscid)
    if investment is None:
        raise AssertionError("The investment must exist: this transaction opened it.")
    exited_at = None if _holds_any(investment) else investment.exited_at or now
    if exited_at != investment.exited_at:
        Investment.objects.filter(pk=investment.pk).update(exited_at=exited_at)
        investment.exited_at = exited_at
    return investment


def _holds_any(investment: Investment) -> bool:
    """From plain sums, not the ledger: an order's fills are written even if the ledger would refuse them."""
    shares: Counter[str] = Counter()
    for fill in investment.fills.all():
        shares[fill.ticker] += fill.shares if fill.side == Side.BUY else -fill.shares
    return any(held > 0 for held in shares.values())


def adopt_version(investment: Investment, version: Version) -> None:
    """Moves the investment to `version` when a rebalance places no order. Twice is safe; never to an older version."""
    Investment.objects.filter(pk=investment.pk, version__number__lt=version.number).update(
        version=version, is_customised=False, target=None
    )
