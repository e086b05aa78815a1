"""A user's investments with holdings, returns and possible actions; a fixed number of queries."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db.models import OuterRef, QuerySet, Subquery

from brokers.market.quotes import Quote, quotes
from gateway.database.compiled import compiled
from gateway.models import Account
from gateway.values.ids import is_object_id
from smallcases.models import IndexValue, Investment, Version
from smallcases.portfolio import ledger
from smallcases.portfolio.investments import fills_by_investment, investments_of, is_sip_due
from transactions.queries.open_orders import LastBatch, last_batches


@dataclass(frozen=True, slots=True)
class Held:
    """An investment with its positions. `prices` in rupees, of every name that it ever held."""

    investment: Investment
    positions: Mapping[str, ledger.Position]
    returns: ledger.Returns
    prices: Mapping[str, Decimal]
    names: Mapping[str, str]
    last: LastBatch | None
    is_sip_due: bool

    @property
    def is_rebalance_pending(self) -> bool:
        newest: int = vars(self.investment)["newest_version"]
        return newest > self.investment.version.number

    @property
    def is_order_open(self) -> bool:
        return self.last is not None and self.last.is_open


def held(account: Account, *, iscids: Sequence[str] | None = None, now: datetime) -> list[Held]:
    """Live investments, newest first; only `iscids` if given. Malformed iscids match nothing."""
    named = None if iscids is None else [iscid for iscid in iscids if is_object_id(iscid)]
    return _valued(account, _described(account=account.pk, iscids=named, exited=False), now)


def exited(account: Account, *, now: datetime) -> list[Held]:
    return _valued(account, _described(account=account.pk, iscids=None, exited=True), now)


@compiled
def _described(*, account: int, iscids: list[str] | None, exited: bool) -> QuerySet[Investment]:
    """Investments with the newest version's label and date and the last index value, in one query."""
    newest = Version.objects.filter(smallcase=OuterRef("smallcase")).order_by("-number")
    index = IndexValue.objects.filter(smallcase=OuterRef("smallcase")).order_by("-day")
    return investments_of(account, iscids=iscids, exited=exited).annotate(
        newest_label=Subquery(newest.values("label")[:1]),
        newest_at=Subquery(newest.values("published_at")[:1]),
        index_value=Subquery(index.values("value")[:1]),
    )


def _valued(account: Account, investments: Sequence[Investment], now: datetime) -> list[Held]:
    fills = fills_by_investment([investment.pk for investment in investments])
    market = quotes(account.gateway_id, {fill.ticker for each in fills.values() for fill in each})
    last = last_batches([investment.iscid for investment in investments])
    return [_held(one, fills[one.pk], market, last.get(one.iscid), now) for one in investments]


def _held(
    investment: Investment,
    fills: Sequence[ledger.Fill],
    market: Mapping[str, Quote],
    last: LastBatch | None,
    now: datetime,
) -> Held:
    positions = ledger.positions(fills)
    prices = {ticker: market[ticker].at(now) for ticker in positions}
    return Held(
        investment=investment,
        positions={ticker: position for ticker, position in positions.items() if position.shares},
        returns=ledger.returns_on(positions, prices),
        prices=prices,
        names={ticker: market[ticker].name for ticker in positions},
        last=last,
        is_sip_due=is_sip_due(investment, now),
    )
