"""Typed makers: rows as the services would have made them."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any

from django.db.models import QuerySet

from brokers.market.charges import Tariff
from brokers.models import BrokerOutage, Instrument
from brokers.ports.broker import Side
from gateway.models import Account, Gateway
from gateway.partners import clock
from gateway.partners.credentials import Credentials, create_gateway
from gateway.queue import leases
from smallcases.models import Constituent, Smallcase, Version
from smallcases.tasks import sweep_rebalance_notices, sweep_sips
from tests.partner import Partner
from transactions.checkout.broker_login import log_in
from transactions.checkout.browser_binding import challenge_of
from transactions.checkout.confirm import UserSelections, confirm
from transactions.checkout.sessions import SessionRequest, open_session
from transactions.domain.basket import Security, line_of
from transactions.domain.checkout_modes import Mode
from transactions.domain.intents import Intent
from transactions.domain.statuses import BatchStatus
from transactions.execution.batch_worker import BatchWorker
from transactions.execution.broker_calls import BrokerCalls
from transactions.lifecycle.create import TransactionRequest, create_transaction
from transactions.models import Batch, CheckoutSession, Order, Transaction
from transactions.tasks import place_batches, sync_batches
from webhooks.delivery.endpoints import add_endpoint
from webhooks.tasks import deliver_due, sweep_deliveries, sweep_replays

_numbers = count(1)
FREE = Tariff(rate=Decimal(0), cap=Decimal(0))
TWO_WAY = (Security("INFY", 10, Side.BUY), Security("TCS", 5, Side.SELL))


def awaiting_placement() -> QuerySet[Batch]:
    return Batch.objects.filter(status=BatchStatus.QUEUED)


def needs_polling() -> QuerySet[Batch]:
    """Batches that are polled when due: open batches, batches in ERROR, and final batches with corrected orders."""
    return Batch.objects.exclude(status=BatchStatus.QUEUED)


def credentials(*, name: str | None = None, is_test: bool = True, now: datetime | None = None) -> Credentials:
    return create_gateway(
        name=name or f"gateway-{next(_numbers)}", is_test=is_test, allowed_origins=[], now=now or clock.wall()
    )


def gateway(*, is_test: bool = True) -> Gateway:
    return credentials(is_test=is_test).gateway


def partner(*, webhook_url: str | None = None, is_test: bool = True) -> Partner:
    made = credentials(is_test=is_test)
    hook = add_endpoint(gateway=made.gateway, url=webhook_url, now=clock.wall()) if webhook_url else None
    return Partner(made.gateway.name, made.api_secret, made.jwt_secret, hook.secret if hook else None)


def transaction(
    *,
    gateway: Gateway,
    securities: Sequence[Security] = TWO_WAY,
    account: Account | None = None,
    intent: Intent = Intent.TRANSACTION,
    now: datetime,
) -> Transaction:
    basket = {"type": "SECURITIES", "securities": [line_of(line) for line in securities]}
    config = basket if intent is Intent.TRANSACTION else {}
    wanted = TransactionRequest(intent=intent, securities=securities if config else (), order_config=config)
    return create_transaction(gateway=gateway, account=account, request=wanted, now=now)


def logged_in(
    *,
    gateway: Gateway,
    securities: Sequence[Security] = TWO_WAY,
    client_id: str = "happy",
    broker: str = "kite",
    now: datetime,
) -> Transaction:
    made = transaction(gateway=gateway, securities=securities, now=now)
    return log_in(transaction=made, broker=broker, client_id=client_id, pin="1234", now=now)


SHOP = "https://shop.example"
VERIFIER = "v" * 43  # the secret of a page of SHOP


def session(
    *, transaction: Transaction, account: Account | None = None, now: datetime, **session_request: Any
) -> tuple[CheckoutSession, str]:
    """Opened by a page of SHOP, with its token."""
    opened = SessionRequest(
        **{"mode": Mode.POPUP, "origin": SHOP, "code_challenge": challenge_of(VERIFIER), **session_request}
    )
    return open_session(transaction=transaction, account=account, session_request=opened, now=now)


def queued_batch(
    *, gateway: Gateway, securities: Sequence[Security] = TWO_WAY, client_id: str = "happy", now: datetime
) -> Batch:
    """Confirmed; no worker has taken it."""
    made = logged_in(gateway=gateway, securities=securities, client_id=client_id, now=now)
    confirm(transaction=made, selections=UserSelections(), now=now)
    return Batch.objects.get(transaction=made)


def placed(batch: Batch) -> Batch:
    """Runs the sweep as a worker does, after leases have expired."""
    return _worked_on(batch, awaiting_placement())


def followed_up(batch: Batch) -> Batch:
    """As `placed`: the broker is asked."""
    return _worked_on(batch, Batch.objects.all())


def _worked_on(batch: Batch, owed: QuerySet[Batch]) -> Batch:
    mine = list(owed.filter(pk=batch.pk, due_at__isnull=False))
    leases.acquire_each(mine)
    work_on([one.pk for one in mine])
    return Batch.objects.get(pk=batch.pk)


def work_on(keys: Sequence[int]) -> None:
    """What a worker that has just begun does with batches that it has leased, one call after the other."""
    worker = BatchWorker(BrokerCalls(at_once=1))
    worker.begin(keys)
    while worker.active:
        worker.step()


def orders(batch: Batch) -> list[Order]:
    return list(Order.objects.filter(batch=batch).order_by("position"))


def sweep(*, rounds: int = 3) -> None:
    """What the beat does, several ticks of it; with eager tasks the work is done on return."""
    for _ in range(rounds):
        place_batches()
        sync_batches()
        sweep_rebalance_notices()
        sweep_sips()
        sweep_replays()
        deliver_due()
        sweep_deliveries()


def later(gateway: Gateway, **by: float) -> datetime:
    """Move the gateway's clock forward and tell its time."""
    fresh = Gateway.objects.get(pk=gateway.pk)
    clock.advance(fresh, by=timedelta(**by))
    return clock.now(fresh)


WEIGHTS = {"INFY": "40", "TCS": "35", "HDFCBANK": "25"}


def smallcase(*, scid: str = "TEST_0001", weights: Mapping[str, str] = WEIGHTS, archived: bool = False) -> Smallcase:
    """On version 1, with the given weights in per cent."""
    made = Smallcase.objects.create(
        scid=scid,
        name="Three Giants",
        short_description="Three large companies.",
        rationale="For tests.",
        publisher="Tests",
        kind="Thematic",
        schedule="Quarterly",
        benchmark=Instrument.objects.get(symbol="NIFTYBEES"),
        risk="Low volatility",
        launched_on=date(2025, 1, 1),
        is_archived=archived,
    )
    version(made, weights)
    return made


def version(smallcase: Smallcase, weights: Mapping[str, str]) -> Version:
    """The next one, published now."""
    made = Version.objects.create(
        smallcase=smallcase, number=smallcase.versions.count() + 1, label="Rebalance", published_at=clock.wall()
    )
    symbols = Instrument.objects.in_bulk(list(weights), field_name="symbol")
    Constituent.objects.bulk_create(
        Constituent(version=made, instrument=symbols[t], weight=Decimal(w)) for t, w in weights.items()
    )
    return made


def outage(gateway: Gateway, broker: str = "dhan", *, seconds: float = 60) -> BrokerOutage:
    """The next probe is `seconds` away."""
    return BrokerOutage.objects.create(
        gateway=gateway,
        broker=broker,
        since=clock.wall(),
        wait=timedelta(seconds=30),
        probe_at=clock.wall() + timedelta(seconds=seconds),
        reason="The broker cannot be reached.",
    )
