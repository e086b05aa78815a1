"""Orders in ERROR, and the people who settle them."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import count

from django.contrib.auth.models import Permission, User

from brokers.ports.broker import Side
from brokers.simulator.models import SimOrder
from gateway.audit.trail import Actor
from gateway.models import Gateway
from gateway.partners import clock
from tests import make
from transactions.domain.basket import Security
from transactions.domain.corrections import CorrectedOutcome
from transactions.domain.statuses import OrderStatus
from transactions.execution.record_updates import state_of
from transactions.models import Batch, Order, OrderCorrection
from transactions.reconciliation.correct_orders import CorrectedBy, correct_order

BUYS = (Security("INFY", 10, Side.BUY), Security("TCS", 5, Side.BUY))
CODENAMES = ("reconcile_order", "approve_correction", "mark_complete", "view_order", "view_batch")
_names = count(1)


def support(name: str = "") -> User:
    """Who may settle and approve."""
    user = User.objects.create_user(name or f"support-{next(_names)}", password="open sesame", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=CODENAMES))
    return User.objects.get(pk=user.pk)


def acting(user: User) -> Actor:
    return Actor(user, "192.0.2.7", clock.wall())


@dataclass(frozen=True, slots=True)
class Scene:
    """A batch whose last order, of 5 TCS, is in ERROR."""

    batch: Batch
    order: Order

    def fresh(self) -> Order:
        return Order.objects.select_related("batch", "active_correction").get(pk=self.order.pk)

    def status(self) -> str:
        return Batch.objects.get(pk=self.batch.pk).status


def follow(batch: Batch, **later: float) -> Batch:
    make.later(batch.gateway, **later)
    return make.followed_up(batch)


def lost(
    gateway: Gateway, now: datetime, *, client_id: str = "lost-contact", securities: tuple[Security, ...] = BUYS
) -> Scene:
    batch = make.queued_batch(gateway=gateway, securities=securities, client_id=client_id, now=now)
    batch = follow(make.placed(batch), seconds=5)
    return Scene(batch, make.orders(batch)[-1])


def at_broker(order: Order) -> SimOrder:
    return SimOrder.objects.get(ref=order.ref)


def complete(order: Order, price: str = "3000.00") -> CorrectedOutcome:
    return CorrectedOutcome(OrderStatus.COMPLETE, order.quantity, Decimal(price), exchange_order_id="1100000000000001")


REJECTED = CorrectedOutcome(OrderStatus.REJECTED, error_code="marginsExceeded")


def settled(
    order: Order, outcome: CorrectedOutcome, *, by: User, now: datetime, reason: str = "Tradebook."
) -> OrderCorrection:
    fresh = Order.objects.select_related("batch").get(pk=order.pk)
    (made,) = correct_order(
        batch=fresh.batch,
        outcomes={order.pk: outcome},
        seen={order.pk: state_of(fresh)},
        corrected_by=CorrectedBy(acting(by), reason),
        now=now,
    )
    return made
