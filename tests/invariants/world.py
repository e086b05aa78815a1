"""A gateway to which much has happened, all of it sound: made by the services, without a queue."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.db.models import QuerySet

from brokers.ports.broker import OrderType, Side
from gateway.models import Account, Gateway
from gateway.monitoring.contributions import invariants
from gateway.monitoring.invariant_checks import Scope, examine
from gateway.partners import clock
from smallcases.models import Investment, RebalanceNotice, Sip, Smallcase
from smallcases.rebalancing import rebalance_notifications
from smallcases.sips import sip_changes
from smallcases.sips.schedule import ist_day
from smallcases.sips.sip_changes import SipRequest
from tests import make
from tests.receiver import Receiver
from transactions.checkout.broker_login import log_in, walk_away
from transactions.checkout.confirm import UserSelections, confirm
from transactions.domain.basket import Security
from transactions.domain.intents import Intent
from transactions.domain.sdk_codes import SdkCode
from transactions.domain.smallcase_order import OrderKind, SmallcaseOrderRequest, SmallcaseSelections
from transactions.domain.statuses import BatchStatus
from transactions.lifecycle.create import TransactionRequest, create_transaction
from transactions.lifecycle.transitions import SdkError
from transactions.models import Batch, Order, Transaction
from webhooks.delivery.client import ClientOptions
from webhooks.delivery.dispatcher import WebhookDispatcher
from webhooks.delivery.endpoints import add_endpoint
from webhooks.events.event_types import EventType

BUYS = (Security("INFY", 10, Side.BUY), Security("TCS", 5, Side.BUY))
RESTING = (Security("INFY", 10, Side.BUY, OrderType.LIMIT, price=Decimal("1000.00")),)


@dataclass(frozen=True, slots=True)
class World:
    gateway: Gateway
    dispatcher: WebhookDispatcher = field(default_factory=lambda: WebhookDispatcher(ClientOptions(allow_private=True)))

    def now(self) -> Any:
        return clock.now(Gateway.objects.get(pk=self.gateway.pk))

    def batches(self, client_id: str) -> QuerySet[Batch]:
        return Batch.objects.filter(gateway=self.gateway, account__client_id=client_id)

    def orders(self, client_id: str) -> QuerySet[Order]:
        return Order.objects.filter(batch__in=self.batches(client_id)).order_by("pk")

    def basket(self, client_id: str, securities: tuple[Security, ...] = BUYS) -> Batch:
        return make.queued_batch(gateway=self.gateway, securities=securities, client_id=client_id, now=self.now())

    def order(self, kind: OrderKind, *, account: Account | None, chosen: SmallcaseSelections, **of: str) -> Batch:
        wanted = TransactionRequest(
            intent=Intent.TRANSACTION, order_request=SmallcaseOrderRequest(kind, selections=chosen, **of)
        )
        return Batch.objects.get(transaction=self.confirmed(wanted, account, "happy-investor"))

    def confirmed(
        self, wanted: TransactionRequest, account: Account | None, client_id: str, choices: UserSelections | None = None
    ) -> Transaction:
        made = create_transaction(gateway=self.gateway, account=account, request=wanted, now=self.now())
        log_in(transaction=made, broker="kite", client_id=client_id, pin="1234", now=self.now())
        return confirm(transaction=made, selections=choices or UserSelections(), now=self.now())

    def work_off(self) -> None:
        """Whatever is due now, as the workers would, until nothing is."""
        for _ in range(3):
            for batch in Batch.objects.filter(gateway=self.gateway, due_at__lte=self.now()):
                work_on = make.placed if batch.status == BatchStatus.QUEUED else make.followed_up
                work_on(batch)
            for told in RebalanceNotice.objects.filter(gateway=self.gateway, due_at__lte=self.now()):
                rebalance_notifications.notify_investors(row=told.pk, attempt=told.attempts)
            for sip in Sip.objects.filter(gateway=self.gateway, due_at__lte=self.now()):
                sip_changes.tell_due(row=sip.pk, attempt=sip.attempts)
            self.dispatcher.deliver_all()

    def later(self, **by: float) -> None:
        make.later(self.gateway, **by)
        self.work_off()


def broken(*, settled: bool = False, gateway: Gateway | None = None) -> Mapping[str, int]:
    """How many offenders each broken invariant has, of all that the doctor knows."""
    wanted = [one for _, one in invariants() if settled or not one.at_rest]
    found = examine(wanted, Scope(wall=clock.wall(), kept_for=timedelta(days=90), gateway=gateway))
    return {finding.invariant.name: finding.count for finding in found if finding.count}


def much_that_happened(receiver: Receiver) -> World:
    """Baskets of several personas, a cancelled order, an investment that was topped up and sold, a SIP, consents."""
    gateway = make.gateway()
    add_endpoint(gateway=gateway, url=receiver.url, types=tuple(EventType), now=clock.wall())
    world = World(gateway)
    for client_id in ("happy", "partial", "partly-placed", "lost-contact", "broker-down", "unmatched"):
        world.basket(client_id)
    _cancel_one(world)
    world.later(seconds=10)
    _invest(world)
    _end_in_errors(world)
    world.later(minutes=10)
    return world


def _cancel_one(world: World) -> None:
    resting = world.basket("happy-canceller", RESTING)
    world.work_off()
    wanted = TransactionRequest(
        intent=Intent.CANCEL_ORDER,
        order_config={"batchId": resting.batch_id, "ticker": "INFY"},
        batch_id=resting.batch_id,
        ticker="INFY",
    )
    world.confirmed(wanted, resting.account, "happy-canceller")


def _invest(world: World) -> None:
    smallcase = make.smallcase()
    world.order(OrderKind.BUY, account=None, chosen=SmallcaseSelections(amount=Decimal(100_000)), scid=smallcase.scid)
    world.later(seconds=10)
    investment = Investment.objects.get(gateway=world.gateway)
    world.order(
        OrderKind.EXIT, account=investment.account, chosen=SmallcaseSelections(exit_percent=50), iscid=investment.iscid
    )
    wish = SipRequest(amount=Decimal(50_000), frequency="1m", starts_on=ist_day(world.now() + timedelta(days=40)))
    setup = TransactionRequest(
        intent=Intent.SIP_SETUP, order_config={"iscid": investment.iscid}, iscid=investment.iscid
    )
    world.confirmed(setup, investment.account, "happy-investor", UserSelections(sip=wish))


def _end_in_errors(world: World) -> None:
    made = make.transaction(gateway=world.gateway, now=world.now())
    try:
        walk_away(transaction=made, code=SdkCode.CANCELLED_AT_CHOOSER, now=world.now())
    except SdkError:
        world.confirmed(TransactionRequest(intent=Intent.HOLDINGS_IMPORT), None, "happy")


def smallcase_of(world: World) -> Smallcase:
    return Investment.objects.get(gateway=world.gateway).smallcase
