"""Checks whether a smallcase order is possible when its transaction is created (contract §3.1)."""

from dataclasses import replace
from datetime import datetime
from typing import Final

from gateway.models import Account
from gateway.values.errors import Conflict, ConnectedUserRequired, ErrorType, Invalid, NotFound
from smallcases.models import Investment, Smallcase
from smallcases.portfolio.investments import investment_of, is_sip_due, newest_version
from transactions.domain.sdk_codes import SdkCode, SdkRefusal
from transactions.domain.smallcase_order import OrderKind, SmallcaseOrderRequest
from transactions.queries.open_orders import last_batches

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
    _check_moment(investment, order_request.kind, now)
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
    smallcase = Smallcase.objects.filter(scid=scid).first()
    if smallcase is None:
        raise NotFound("There is no smallcase with this scid.")
    if smallcase.is_archived:
        raise Archived


def _check_moment(investment: Investment, kind: OrderKind, now: datetime) -> None:
    last = last_batches([investment.iscid]).get(investment.iscid)
    if kind is OrderKind.FIX:
        if last is None or not last.can_be_fixed:
            raise NoOrder("The last order has no unfilled shares to fix.")
        return
    if last and last.is_open:
        raise OrderPending
    if kind in NOT_OF_THE_ARCHIVED and investment.smallcase.is_archived:
        raise NoOrder("This smallcase is archived: only FIX, MANAGE and EXIT are possible.", SdkCode.SMALLCASE_ARCHIVED)
    if kind is OrderKind.REBALANCE and newest_version(investment.smallcase).number <= investment.version.number:
        raise NoOrder("This investment already has the newest version.")
    if kind is OrderKind.SIP and not is_sip_due(investment, now):
        raise NoOrder("This investment has no due SIP.")
