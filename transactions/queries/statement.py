"""The statement of one investment: money put in and taken out, sold shares, and the yearly return."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from itertools import groupby
from typing import Final

from brokers.market.charges import Charges
from brokers.market.quotes import quotes
from brokers.ports.broker import Side
from gateway.database.lookups import first_or_not_found
from gateway.models import Account
from gateway.values.errors import Invalid
from gateway.values.timestamps import IST
from smallcases.models import Investment, InvestmentFill
from smallcases.portfolio.ledger import Fill, Oversold, holdings
from smallcases.portfolio.sold_lots import SoldLot, sold_lots
from smallcases.portfolio.xirr import xirr
from smallcases.sips.schedule import ist_day
from transactions.models import Order
from transactions.queries.order_charges import charges_of_orders, total_of

DAY: Final = timedelta(days=1)
NOTHING: Final = Decimal(0)


@dataclass(frozen=True, slots=True)
class CashFlow:
    """The money of a batch on a day, IST. Rupees without charges: negative was put in, positive was taken out.

    Shares that were not bought by an order here have no batch.
    """

    day: date
    amount: Decimal
    label: str | None
    batch_id: str | None

    @property
    def put_in(self) -> Decimal:
        return max(-self.amount, NOTHING)


@dataclass(frozen=True, slots=True)
class Statement:
    """A period from the first to the last day, both included, IST. `charges`: of the orders that filled in it.

    `value`: rupees that the shares are worth at its end; None if a name has no price. `xirr`: per cent a year, see
    `statement_of`.
    """

    investment: Investment
    first: date
    last: date
    cash_flows: Sequence[CashFlow]
    sold: Sequence[SoldLot]
    charges: Charges
    value: Decimal | None
    xirr: Decimal | None

    @property
    def put_in(self) -> Decimal:
        return sum((flow.put_in for flow in self.cash_flows), NOTHING)

    @property
    def taken_out(self) -> Decimal:
        return sum((flow.amount for flow in self.cash_flows if flow.amount > 0), NOTHING)

    @property
    def gained(self) -> Decimal:
        return sum((lot.gain for lot in self.sold), NOTHING)


@dataclass(frozen=True, slots=True)
class _Entry:
    """A fill with the order that it belongs to."""

    fill: Fill
    order: Order | None

    @property
    def label(self) -> str | None:
        return self.order.batch.label if self.order else None

    @property
    def batch_id(self) -> str | None:
        return self.order.batch.batch_id if self.order else None

    @property
    def day(self) -> date:
        return ist_day(self.fill.at)

    @property
    def amount(self) -> Decimal:
        return self.fill.shares * self.fill.price * (1 if self.fill.side is Side.SELL else -1)


def investment_with(account: Account, iscid: str) -> Investment:
    """The user's investment, live or exited. Raises NotFound."""
    mine = Investment.objects.select_related("smallcase", "gateway").filter(account=account, iscid=iscid)
    return first_or_not_found(mine, "There is no investment with this iscid.")


def statement_of(
    investment: Investment, *, now: datetime, first: date | None = None, last: date | None = None
) -> Statement:
    """From the first fill until now, or of a shorter period. Four queries. Raises Invalid, Oversold.

    The yearly return counts the value of the shares on the evening before the period as put in, and their value at
    its end as taken out; None as `xirr` says, or if a held name has no price.
    """
    entries = _entries(investment)
    today = ist_day(now)
    first = first or min((entry.day for entry in entries), default=today)
    last = min(last or today, today)
    if first > last:
        raise Invalid("from: must not be later than to, or than today.")
    flows = [flow for flow in _flows(entries) if first <= flow.day <= last]
    sold = [lot for lot in sold_lots(entry.fill for entry in entries) if first <= lot.sold_on <= last]
    at = now if last == today else _evening(last)
    charged = charges_of_orders(entry.order for entry in entries if entry.order)
    charges = total_of(one for one in charged if first <= one.share.on <= last)
    values = _values(investment, [entry.fill for entry in entries], [_evening(first - DAY), at])
    if values is None:
        return Statement(investment, first, last, flows, sold, charges, value=None, xirr=None)
    before, value = values
    moved = [(first, -before), *((flow.day, flow.amount) for flow in flows), (last, value)]
    return Statement(investment, first, last, flows, sold, charges, value, xirr(moved))


def _entries(investment: Investment) -> list[_Entry]:
    """In the order of the reports."""
    rows = list(InvestmentFill.objects.filter(investment=investment).order_by("pk"))
    orders = Order.objects.select_related("batch").filter(ref__in=[row.order_ref for row in rows])
    by_ref = {order.ref: order for order in orders}
    return [
        _Entry(Fill(row.ticker, Side(row.side), row.shares, row.price, row.at), by_ref.get(row.order_ref))
        for row in rows
    ]


def _flows(entries: Sequence[_Entry]) -> Iterator[CashFlow]:
    """One for each batch and day, by day."""

    def batch_of(entry: _Entry) -> tuple[date, str]:
        return entry.day, entry.batch_id or ""

    for (day, _), group in groupby(sorted(entries, key=batch_of), batch_of):
        mine = list(group)
        yield CashFlow(day, sum((entry.amount for entry in mine), NOTHING), mine[0].label, mine[0].batch_id)


def _evening(day: date) -> datetime:
    return datetime.combine(day, time.max, IST)


def _values(investment: Investment, fills: Sequence[Fill], moments: Sequence[datetime]) -> list[Decimal] | None:
    """Rupees that the held shares are worth at each moment.

    None if a name has no price, or if a test gateway's clock was put back so that shares were sold before they were
    bought.
    """
    try:
        held = [holdings(fill for fill in fills if fill.at <= moment) for moment in moments]
    except Oversold:
        return None
    market = quotes(investment.gateway_id, {ticker for each in held for ticker in each})
    if any(ticker not in market for each in held for ticker in each):
        return None
    return [
        sum((market[ticker].at(moment) * shares for ticker, shares in each.items()), NOTHING)
        for moment, each in zip(moments, held, strict=True)
    ]
