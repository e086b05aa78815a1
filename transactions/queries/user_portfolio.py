"""A user's investments with holdings, returns and possible actions; a fixed number of queries."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from brokers.market.quotes import Quote, quotes
from gateway.models import Account
from gateway.values.ids import is_object_id
from smallcases.models import Investment, Version
from smallcases.portfolio import ledger
from smallcases.portfolio.investments import (
    InvestmentRow,
    fills_by_investment,
    investments_of,
    is_sip_due,
    newest_versions,
)
from transactions.queries.order_context import LastBatch, blocked_names, last_batches


@dataclass(frozen=True, slots=True)
class Held:
    """An investment with its positions. `prices` in rupees, of every name that it ever held.

    `blocked`: names of the last batch that cannot be fixed now, with the reason.
    """

    row: InvestmentRow
    positions: Mapping[str, ledger.Position]
    returns: ledger.Returns
    prices: Mapping[str, Decimal]
    names: Mapping[str, str]
    last: LastBatch | None
    is_sip_due: bool
    rebalance_to: Version | None
    blocked: Sequence[tuple[str, str]] = ()

    @property
    def investment(self) -> Investment:
        return self.row.investment

    @property
    def is_rebalance_pending(self) -> bool:
        return self.rebalance_to is not None

    @property
    def is_order_open(self) -> bool:
        return self.last is not None and self.last.is_open


def held(account: Account, *, iscids: Sequence[str] | None = None, now: datetime) -> list[Held]:
    """Live investments, newest first; only `iscids` if given. Malformed iscids match nothing."""
    named = None if iscids is None else [iscid for iscid in iscids if is_object_id(iscid)]
    return _valued(account, investments_of(account, iscids=named, exited=False), now)


def exited(account: Account, *, now: datetime) -> list[Held]:
    return _valued(account, investments_of(account, iscids=None, exited=True), now)


def has_invested(account: Account) -> bool:
    """Whether the account has or had an investment."""
    return account.investments.exists()


def _valued(account: Account, rows: Sequence[InvestmentRow], now: datetime) -> list[Held]:
    fills = fills_by_investment([row.investment.pk for row in rows])
    market = quotes(account.gateway_id, {fill.ticker for each in fills.values() for fill in each})
    last = last_batches([row.investment.iscid for row in rows])
    newer = _newer_versions(rows)
    blocked = blocked_names(last.values())
    return [
        _held(
            *(row, fills[row.investment.pk], market, now),
            last=last.get(row.investment.iscid),
            blocked=blocked,
            newer=newer.get(row.investment.pk),
        )
        for row in rows
    ]


def _newer_versions(rows: Sequence[InvestmentRow]) -> dict[int, Version]:
    """The newest version, by investments that are on an older one; no query where there are none."""
    older = [row.investment for row in rows if row.newest_version > row.investment.version.number]
    newest = newest_versions([investment.smallcase_id for investment in older]) if older else {}
    return {investment.pk: newest[investment.smallcase_id] for investment in older}


def _held(
    row: InvestmentRow,
    fills: Sequence[ledger.Fill],
    market: Mapping[str, Quote],
    now: datetime,
    *,
    last: LastBatch | None,
    blocked: Mapping[int, Sequence[tuple[str, str]]],
    newer: Version | None,
) -> Held:
    """A name that is not in the catalogue any more is valued at its cost, because it has no price."""
    positions = ledger.positions(fills)
    prices = {t: market[t].at(now) if t in market else position.average_price for t, position in positions.items()}
    return Held(
        row=row,
        positions={ticker: position for ticker, position in positions.items() if position.shares},
        returns=ledger.returns_on(positions, prices),
        prices=prices,
        names={ticker: market[ticker].name if ticker in market else ticker for ticker in positions},
        last=last,
        blocked=blocked.get(last.batch.pk, ()) if last else (),
        is_sip_due=is_sip_due(row.sip, now),
        rebalance_to=newer,
    )
