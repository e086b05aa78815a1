"""Checks whether an order is possible: at its creation (contract §3.1), after the login and at the confirmation."""

from dataclasses import replace
from datetime import datetime
from typing import Final

from brokers.market.hours import AmoWindow
from brokers.ports.registry import profile_of
from gateway.database.lookups import first_or_not_found
from gateway.models import Account
from gateway.values.errors import Conflict, ConnectedUserRequired, ErrorType, Invalid, NotFound
from smallcases.models import Investment, Smallcase, Version
from smallcases.portfolio.investments import investment_of, is_sip_due, newest_version, weights_of
from transactions.domain.left_out import sentence
from transactions.domain.sdk_codes import SdkCode, SdkRefusal
from transactions.domain.smallcase_order import NOT_AFTER_MARKET, OrderKind, SmallcaseOrderRequest
from transactions.lifecycle.transitions import ActionRequired, SdkError, refuse
from transactions.queries.order_context import (
    LastBatch,
    OrderContext,
    last_batches,
    target_version,
    untradable_names,
)

# Kinds that would bring more money into an archived smallcase.
NOT_OF_THE_ARCHIVED: Final = frozenset({OrderKind.INVESTMORE, OrderKind.SIP, OrderKind.REBALANCE})


class NoOrder(SdkRefusal):
    """The order is not possible or not needed."""

    error_type = ErrorType.NO_ORDER

    def __init__(self, sentence: str, code: SdkCode = SdkCode.NO_ORDER) -> None:
        super().__init__(sentence)
        self.code = code


class OrderPending(SdkRefusal):
    """An earlier order of the investment is still open."""

    error_type, code = ErrorType.ORDER_PENDING, SdkCode.ORDER_PENDING

    def __init__(self) -> None:
        super().__init__("An earlier order of this investment is still open.")


class Archived(SdkRefusal, Conflict):
    """The smallcase accepts no new investors."""

    code = SdkCode.SMALLCASE_ARCHIVED

    def __init__(self) -> None:
        super().__init__("This smallcase is archived.")


class NotAllTradable(Conflict):
    """A first purchase buys every name, and a name cannot be traded now. The catalogue says which: `tradable`."""


def checked_order_request(
    account: Account | None, order_request: SmallcaseOrderRequest, *, now: datetime
) -> SmallcaseOrderRequest:
    """The request with iscid and scid filled in. Raises the reason why the order is not possible."""
    if order_request.kind is OrderKind.BUY:
        _check_smallcase(order_request.scid)
        return order_request
    investment = _named(account, order_request)
    if order_request.scid and order_request.scid != investment.smallcase.scid:
        raise Invalid("orderConfig.scid: is not the scid of this investment.")
    last = last_batches([investment.iscid]).get(investment.iscid)
    version = target_version(order_request.kind, investment)
    if objection := _objection(order_request.kind, investment, version, last, now):
        raise objection
    return replace(order_request, iscid=investment.iscid, scid=investment.smallcase.scid)


def own_investment(account: Account | None, iscid: str) -> Investment:
    """The caller's live investment. Raises ConnectedUserRequired, NotFound, NoOrder."""
    if account is None:
        raise ConnectedUserRequired("An order of an investment needs a connected user's authtoken.")
    investment = investment_of(account, iscid)
    if investment is None:
        raise NotFound("You have no investment with this iscid.")
    if investment.exited_at is not None:
        raise NoOrder("This investment was exited.")
    return investment


def _named(account: Account | None, order_request: SmallcaseOrderRequest) -> Investment:
    """The request's investment. INVESTMORE may omit the iscid if there is one live investment in the scid."""
    if order_request.iscid or account is None:
        return own_investment(account, order_request.iscid)
    live = account.investments.filter(smallcase__scid=order_request.scid, exited_at__isnull=True).values_list(
        "iscid", flat=True
    )
    found = list(live[:2])
    if not found:
        raise NotFound("You have no investment in this scid.")
    if len(found) > 1:
        raise Invalid("orderConfig.iscid: is required, because you have several investments in this scid.")
    return own_investment(account, found[0])


def _check_smallcase(scid: str) -> None:
    smallcase = first_or_not_found(Smallcase.objects.filter(scid=scid), "There is no smallcase with this scid.")
    if smallcase.is_archived:
        raise Archived
    if reasons := untradable_names(weights_of(newest_version(smallcase)).keys()):
        raise NotAllTradable(*(sentence(ticker, reason) for ticker, reason in reasons.items()))


def reject_if_not_placeable(context: OrderContext, *, amo: bool) -> None:
    """Ends a USED transaction whose order cannot be placed. Raises SdkError with the code, or ActionRequired."""
    if objection := objection_to(context, amo=amo):
        refuse(context.transaction, objection, now=context.now)


def objection_to(context: OrderContext, *, amo: bool) -> SdkRefusal | ActionRequired | None:
    """Checks the market's hours, and repeats the checks of the creation: the situation may have changed since."""
    order_request = context.order_request
    if not (context.market.is_open(context.now) or (amo and _can_wait(context))):
        return SdkError(SdkCode.MARKET_CLOSED_SMALLCASE if order_request else SdkCode.MARKET_CLOSED)
    if order_request is None:
        return None
    if not context.is_live:
        return SdkError(SdkCode.NO_ORDER)
    if context.investment is None or context.version is None:  # a BUY
        return Archived() if context.smallcase and context.smallcase.is_archived else None
    objection = _objection(order_request.kind, context.investment, context.version, context.last, context.now)
    if (
        objection is None
        and order_request.kind is OrderKind.REBALANCE
        and context.last
        and context.last.blocks_rebalance
    ):
        return ActionRequired("Fix the last order, or mark it complete, before the rebalance.")
    return objection


def amo_window(account: Account, order_request: SmallcaseOrderRequest | None) -> AmoWindow | None:
    """When the account's broker accepts this order as an AMO; None if it never does. A basket has no request."""
    is_excluded = order_request is not None and order_request.kind in NOT_AFTER_MARKET
    return None if is_excluded else profile_of(account.broker).amo


def _can_wait(context: OrderContext) -> bool:
    """Whether the order can be placed as an AMO now."""
    window = amo_window(context.account, context.order_request)
    return window is not None and context.market.amo_from(context.now, window) == context.now


def _objection(
    kind: OrderKind, investment: Investment, version: Version, last: LastBatch | None, now: datetime
) -> SdkRefusal | None:
    """`version` is the version that the order aims at."""
    if kind is OrderKind.FIX:
        can_be_fixed = last is not None and last.can_be_fixed
        return None if can_be_fixed else NoOrder("The last order has no unfilled shares to fix.")
    if last and last.is_open:
        return OrderPending()
    if kind in NOT_OF_THE_ARCHIVED and investment.smallcase.is_archived:
        return NoOrder("This smallcase is archived: only FIX, MANAGE and EXIT are allowed.", SdkCode.SMALLCASE_ARCHIVED)
    if kind is OrderKind.REBALANCE and version.number <= investment.version.number:
        return NoOrder("This investment already has the newest version.")
    if kind is OrderKind.SIP and not is_sip_due(getattr(investment, "sip", None), now):
        return NoOrder("This investment has no due SIP.")
    return None
