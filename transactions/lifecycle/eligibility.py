"""What speaks against an order on a smallcase at its creation (contract §3.1)."""

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

# What brings more money into a smallcase that nobody looks after any more.
NOT_OF_THE_ARCHIVED: Final = frozenset({OrderKind.INVESTMORE, OrderKind.SIP, OrderKind.REBALANCE})


class NoOrder(SdkRefusal):
    """There is nothing to do on it."""

    error_type = ErrorType.NO_ORDER

    def __init__(self, sentence: str, code: SdkCode = SdkCode.NO_ORDER) -> None:
        super().__init__(sentence)
        self.code = code


class OrderPending(SdkRefusal):
    """An earlier order on the investment is still open."""

    error_type, code = ErrorType.ORDER_PENDING, SdkCode.ORDER_PENDING

    def __init__(self) -> None:
        super().__init__("An earlier order on this investment is still open.")


class Archived(SdkRefusal, Conflict):
    """The smallcase takes no new investors."""

    code = SdkCode.SMALLCASE_ARCHIVED

    def __init__(self) -> None:
        super().__init__("This smallcase is archived.")


def checked_order_request(
    account: Account | None, order_request: SmallcaseOrderRequest, *, now: datetime
) -> SmallcaseOrderRequest:
    """The wish with its iscid and scid filled in; raises what speaks against it."""
    if order_request.kind is OrderKind.BUY:
        _check_smallcase(order_request.scid)
        return order_request
    investment = _named(account, order_request)
    if order_request.scid and order_request.scid != investment.smallcase.scid:
        raise Invalid("orderConfig.scid: is not the smallcase of this iscid.")
    _check_moment(investment, order_request.kind, now)
    return replace(order_request, iscid=investment.iscid, scid=investment.smallcase.scid)


def own_investment(account: Account | None, iscid: str) -> Investment:
    """Live and the caller's own."""
    if account is None:
        raise ConnectedUserRequired("An order on an investment needs a connected user's authtoken.")
    investment = investment_of(account, iscid)
    if investment is None:
        raise NotFound("You have no investment of this iscid.")
    if investment.exited_at is not None:
        raise NoOrder("This investment was exited.")
    return investment


def _named(account: Account | None, order_request: SmallcaseOrderRequest) -> Investment:
    """INVESTMORE may leave the iscid out where one live investment in the scid exists."""
    if order_request.iscid or account is None:
        return own_investment(account, order_request.iscid)
    live = account.investments.filter(smallcase__scid=order_request.scid, exited_at__isnull=True).values_list(
        "iscid", flat=True
    )
    found = list(live[:2])
    if not found:
        raise NotFound("You have no investment in this scid.")
    if len(found) > 1:
        raise Invalid("orderConfig.iscid: is required, for you have several investments in this scid.")
    return own_investment(account, found[0])


def _check_smallcase(scid: str) -> None:
    smallcase = Smallcase.objects.filter(scid=scid).first()
    if smallcase is None:
        raise NotFound("There is no smallcase of this scid.")
    if smallcase.is_archived:
        raise Archived


def _check_moment(investment: Investment, kind: OrderKind, now: datetime) -> None:
    last = last_batches([investment.iscid]).get(investment.iscid)
    if kind is OrderKind.FIX:
        if last is None or not last.can_be_fixed:
            raise NoOrder("Every share of the last order was filled; there is nothing to fix.")
        return
    if last and last.is_open:
        raise OrderPending
    if kind in NOT_OF_THE_ARCHIVED and investment.smallcase.is_archived:
        raise NoOrder("This smallcase is archived: it can be fixed, managed and exited.", SdkCode.SMALLCASE_ARCHIVED)
    if kind is OrderKind.REBALANCE and newest_version(investment.smallcase).number <= investment.version.number:
        raise NoOrder("This investment is on the newest version already.")
    if kind is OrderKind.SIP and not is_sip_due(getattr(investment, "sip", None), now):
        raise NoOrder("No SIP is due on this investment.")
