"""The data that decides about an order: the request, the investment, its last batch and the market."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cached_property

from django.db.models import Count, Exists, F, OuterRef, Q, Sum

from brokers import sql as brokers
from brokers.market.calendar import market_of
from brokers.market.charges import NOTHING, ChargedOrder, Charges, charges_of
from brokers.market.hours import Market
from brokers.market.trading_days import settlement_days
from brokers.ports.broker import Side
from brokers.ports.registry import profile_of
from gateway.models import Account
from smallcases.models import Investment, Smallcase, Version
from smallcases.planner.exact import spread
from smallcases.portfolio.apply_fills import Customisation
from smallcases.portfolio.investments import (
    fills_of,
    investment_of,
    newest_version,
    shares_of,
    target_weights,
    weights_of,
)
from smallcases.sips.schedule import ist_day
from transactions import sql
from transactions.domain.basket import OrderLine, Security, securities_of
from transactions.domain.left_out import NOT_ALLOWED, LeftOutReason, sentence, untradable
from transactions.domain.smallcase_order import OrderKind, SmallcaseOrderRequest, order_request_of
from transactions.domain.statuses import FIXABLE, OPEN_BATCH, UNFINISHED_BATCH, BatchStatus, OrderStatus
from transactions.models import Batch, Order, Transaction


@dataclass(frozen=True, slots=True)
class LastBatch:
    """The newest batch of an investment. `quantity`, `filled` and `unfilled` count securities if it is unfinished.

    `failed` of the unfilled ones failed for another reason than that the security could not be traded.
    """

    batch: Batch
    quantity: int = 0
    filled: int = 0
    unfilled: int = 0
    failed: int = 0

    @property
    def is_open(self) -> bool:
        return BatchStatus(self.batch.status) in OPEN_BATCH | {BatchStatus.QUEUED}

    @property
    def can_be_fixed(self) -> bool:
        return BatchStatus(self.batch.status) in UNFINISHED_BATCH and self.unfilled > 0

    @property
    def blocks_rebalance(self) -> bool:
        """Orders left out because their security cannot be traded block nothing (contract §3.1)."""
        return self.can_be_fixed and self.failed > 0


@dataclass(frozen=True)
class OrderContext:
    """Read once for each request and passed to the checks.

    `order_request` is None for a basket. `investment` is None for a BUY, and for an iscid that is not the account's;
    it may be exited. `version` is the version that the order aims at.
    """

    transaction: Transaction
    now: datetime
    market: Market
    basket: Sequence[Security]
    order_request: SmallcaseOrderRequest | None
    smallcase: Smallcase | None
    investment: Investment | None
    version: Version | None
    last: LastBatch | None

    @property
    def account(self) -> Account:
        """The account that logged in: before the login there is no context."""
        if self.transaction.account is None:
            raise AssertionError("A context is read after the login.")
        return self.transaction.account

    @property
    def is_live(self) -> bool:
        """False for an order on an investment that does not exist any more or was exited."""
        if self.order_request is None or self.order_request.kind is OrderKind.BUY:
            return True
        return self.investment is not None and self.investment.exited_at is None

    @cached_property
    def weights(self) -> dict[str, Decimal]:
        """Percent by ticker, read at the first use: of the version for a rebalance, of the target for other orders."""
        if self.version is None or self.order_request is None:
            return {}
        if self.investment is None or self.order_request.kind is OrderKind.REBALANCE:
            return weights_of(self.version)
        return target_weights(self.investment, now=self.now)

    @cached_property
    def held(self) -> dict[str, int]:
        """Sellable shares by ticker; read at the first use."""
        return sellable(self.investment) if self.investment else {}

    @cached_property
    def untradable(self) -> dict[str, LeftOutReason]:
        """The names of the version and the investment that cannot be traded now; read at the first use."""
        return untradable_names({*self.weights, *self.held})

    @cached_property
    def unsettled(self) -> dict[str, int]:
        """Held shares of trade-to-trade names that have not arrived, so that they cannot be sold yet.

        Shares that the user bought elsewhere and that have arrived are not known here.
        """
        if self.investment is None:
            return {}
        since = settlement_days(self.market, self.now).unsettled_from
        bought: Counter[str] = Counter()
        for fill in fills_of(self.investment):
            if fill.side is Side.BUY and ist_day(fill.at) >= since:
                bought[fill.ticker] += fill.shares
        late = {ticker: min(shares, self.held.get(ticker, 0)) for ticker, shares in bought.items()}
        return {ticker: late[ticker] for ticker in brokers.trade_to_trade(late)} if late else {}

    @property
    def open_weights(self) -> dict[str, Decimal]:
        """Weights of the names that can be traded: the part of the others goes to them, in proportion."""
        return spread(self.weights, without=self.untradable)


def expected_charges(context: OrderContext, lines: Sequence[tuple[OrderLine, Decimal]]) -> Charges:
    """Of a contract note with these orders alone, each with its value in rupees. One query."""
    on = ist_day(context.market.next_open(context.now) or context.now)
    classes = brokers.charge_classes({line.security.ticker for line, _ in lines})
    orders = [
        ChargedOrder(line.security.ticker, classes[line.security.ticker], line.side, value, on) for line, value in lines
    ]
    return sum(charges_of(orders, profile_of(context.account.broker).tariff), NOTHING)


def order_context(transaction: Transaction, *, now: datetime) -> OrderContext:
    order_request = order_request_of(transaction.order_config)
    investment, smallcase, version, last = None, None, None, None
    if order_request and order_request.kind is OrderKind.BUY:
        smallcase = Smallcase.objects.get(scid=order_request.scid)
        version = newest_version(smallcase)
    elif order_request and transaction.account:
        investment = investment_of(transaction.account, order_request.iscid)
    if order_request and investment:
        smallcase, version = investment.smallcase, target_version(order_request.kind, investment)
        last = last_batches([investment.iscid]).get(investment.iscid)
    return OrderContext(
        transaction=transaction,
        now=now,
        market=market_of(transaction.gateway, now=now),
        basket=securities_of(transaction.order_config),
        order_request=order_request,
        smallcase=smallcase,
        investment=investment,
        version=version,
        last=last,
    )


def target_version(kind: OrderKind, investment: Investment) -> Version:
    """A rebalance moves the investment to the newest version; any other order keeps to its own."""
    return newest_version(investment.smallcase) if kind is OrderKind.REBALANCE else investment.version


def sellable(investment: Investment) -> dict[str, int]:
    """Held shares, less shares that orders with unknown outcome may have sold."""
    lost = unresolved_sells(investment.iscid)
    left = {ticker: shares - lost.get(ticker, 0) for ticker, shares in shares_of(investment).items()}
    return {ticker: shares for ticker, shares in left.items() if shares > 0}


def last_batches(iscids: Collection[str]) -> dict[str, LastBatch]:
    """The last batch by iscid; one query, and another if any batch is unfinished."""
    found = sql.last_batches(iscids)
    counts = _counts([batch for batch in found if BatchStatus(batch.status) in UNFINISHED_BATCH])
    return {str(batch.iscid): LastBatch(batch, *counts.get(batch.pk, ())) for batch in found}


def _counts(batches: Sequence[Batch]) -> dict[int, Sequence[int]]:
    """By batch: the number of its orders, of filled orders, of ended orders with unfilled shares, of failed ones."""
    if not batches:
        return {}
    rows = Order.objects.filter(batch__in=batches).values_list("batch").order_by("batch")
    counted = rows.annotate(
        quantity=Count("pk"),
        filled=Count("pk", filter=Q(status=OrderStatus.COMPLETE)),
        unfilled=Count("pk", filter=Q(status__in=FIXABLE)),
        failed=Count("pk", filter=Q(status__in=FIXABLE) & ~Q(error_code=NOT_ALLOWED)),
    )
    return {batch: counts for batch, *counts in counted}


def customisation_of(batch: Batch) -> Customisation:
    """By the newest filled MANAGE order, or FIX of one, of the batch's investment and version."""
    filled = Order.objects.filter(batch=OuterRef("pk"), filled_quantity__gt=0)
    managed = Batch.objects.filter(iscid=batch.iscid, version=batch.version, original_label=OrderKind.MANAGE)
    newest = managed.filter(Exists(filled)).order_by("-pk").first()
    return Customisation(newest is not None, newest.target if newest else None)


def unfilled_lines(batch: Batch) -> list[OrderLine]:
    """Market orders for the unfilled shares of a batch, on the same side."""
    rows = Order.objects.filter(batch=batch, status__in=FIXABLE).order_by("position")
    return [OrderLine(Security(o.ticker), o.quantity - o.filled_quantity, Side(o.side)) for o in rows]


def untradable_names(tickers: Collection[str]) -> dict[str, LeftOutReason]:
    """Those of them that cannot be traded now; one query."""
    return untradable(tickers, brokers.tradable(tickers)) if tickers else {}


def blocked_names(last: Collection[LastBatch]) -> dict[int, list[tuple[str, str]]]:
    """By batch: tickers of unfilled orders that cannot be traded now, with the reason as a sentence.

    Two queries if a batch can be fixed.
    """
    batches = [one.batch.pk for one in last if one.can_be_fixed]
    rows = Order.objects.filter(batch__in=batches, status__in=FIXABLE) if batches else Order.objects.none()
    lines = sorted(set(rows.values_list("batch_id", "ticker")))
    reasons = untradable_names({ticker for _, ticker in lines})
    blocked: dict[int, list[tuple[str, str]]] = {}
    for batch, ticker in lines:
        if ticker in reasons:
            blocked.setdefault(batch, []).append((ticker, sentence(ticker, reasons[ticker])))
    return blocked


def unresolved_sells(iscid: str) -> dict[str, int]:
    """Shares by ticker that orders in ERROR may have sold. They are not sold again until the outcome is known."""
    lost = Order.objects.filter(batch__iscid=iscid, side=Side.SELL, status=OrderStatus.ERROR)
    return dict(
        lost.values_list("ticker").annotate(shares=Sum(F("quantity") - F("filled_quantity"))).order_by("ticker")
    )
