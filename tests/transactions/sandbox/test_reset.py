"""Back to empty, and nobody else's rows touched."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

import pytest
from django.apps import apps
from django.db import models
from django.db.transaction import atomic

from brokers.market import price_overrides
from brokers.models import BrokerOutage, BrokerSession, PriceOverride
from brokers.ports.broker import Verb
from brokers.simulator.faults.switched_faults import fault_named, switch_faults
from brokers.simulator.models import BrokerFault, SimAccount, SimOrder, SimTrade
from gateway.api.idempotency import Keyed, begin
from gateway.models import Account, Gateway, IdempotentRequest
from gateway.partners import clock
from gateway.partners.authentication import api_secrets
from gateway.values.errors import Conflict
from smallcases.models import Investment, InvestmentFill, RebalanceNotice, Sip
from tests import make
from tests.investor import Investor
from tests.partner import Partner
from tests.receiver import Receiver
from tests.smallcases import shelf
from tests.smallcases.counting import at_most
from tests.transactions.reconciliation import reconciling
from tests.transactions.reconciliation.tradebook import books
from tests.webhooks import ledger
from transactions.models import Batch, CheckoutSession, HoldingsSnapshot, Order, OrderCorrection, Transaction
from transactions.reconciliation.tradebook.models import BookRow
from transactions.sandbox.reset import Busy, reset
from webhooks.delivery.client import EndpointResponse
from webhooks.delivery.dispatcher import take
from webhooks.delivery.record_attempts import FinishedAttempt, settle
from webhooks.events.replay import Span, start_replay
from webhooks.models import Attempt, Delivery, Endpoint, Event, Replay

# Each, and how it leads to its gateway.
GOES: Final[dict[type[models.Model], str]] = {
    Account: "gateway",
    RebalanceNotice: "gateway",
    Attempt: "delivery__gateway",
    Batch: "gateway",
    BookRow: "order__batch__gateway",
    BrokerFault: "gateway",
    BrokerOutage: "gateway",
    CheckoutSession: "transaction__gateway",
    Delivery: "gateway",
    Event: "gateway",
    HoldingsSnapshot: "account__gateway",
    BrokerSession: "account__gateway",
    IdempotentRequest: "gateway",
    Investment: "gateway",
    InvestmentFill: "investment__gateway",
    Order: "batch__gateway",
    PriceOverride: "gateway",
    Replay: "gateway",
    OrderCorrection: "order__batch__gateway",
    SimAccount: "gateway",
    SimOrder: "account__gateway",
    SimTrade: "account__gateway",
    Sip: "gateway",
    Transaction: "gateway",
}
STAYS: Final = {Endpoint}


def rows(gateway: Gateway) -> dict[str, int]:
    return {model.__name__: model._default_manager.filter(**{path: gateway}).count() for model, path in GOES.items()}


def lived_in(partner: Partner, gateway: Gateway, now: datetime) -> None:
    """At least one row of each kind."""
    investor = Investor(partner)
    investor.complete(investor.errand("HOLDINGS_IMPORT"))
    sip = {
        "amount": 5000,
        "frequency": "1m",
        "scheduledDate": (clock.now(gateway) + timedelta(days=3)).date().isoformat(),
    }
    investor.complete(investor.errand("SIP_SETUP", iscid=investor.iscid), sip=sip)
    price_overrides.override_price(gateway=gateway, ticker="INFY", price=Decimal(1000), now=now)
    switch_faults(gateway=gateway, broker="groww", faults={Verb.PLACE: fault_named("unreachable")}, now=now)
    start_replay(gateway=gateway, span=Span(since=now), now=now)
    make.session(transaction=make.transaction(gateway=gateway, now=now), now=now)
    begin(keyed=Keyed(gateway.pk, None, "a key", fingerprint="f" * 64, first_fingerprint="a" * 64), now=now)
    overturned = Order.objects.filter(batch__gateway=gateway, status="COMPLETE")[0]
    books.staged(books.exported(overturned), by=reconciling.support())
    reconciling.settled(overturned, reconciling.REJECTED, by=reconciling.support(), now=now)
    make.sweep()
    make.outage(gateway)


def world(receiver: Receiver, now: datetime) -> tuple[Gateway, Gateway]:
    """Two gateways that have been lived in."""
    smallcase = make.smallcase()
    partners = [make.partner(webhook_url=receiver.url) for _ in range(2)]
    here, there = (Gateway.objects.get(name=partner.name) for partner in partners)
    for partner, gateway in zip(partners, (here, there), strict=True):
        lived_in(partner, gateway, now)
    shelf.published(smallcase, {"INFY": "50", "TCS": "50"}, now=now)
    make.sweep()
    return here, there


@pytest.mark.usefixtures("eager")
class TestReset:
    def test_empties_one_gateway_and_no_other(self, receiver: Receiver, now: datetime) -> None:
        here, there = world(receiver, now)
        before = rows(there)
        assert all(rows(here).values()), rows(here)

        reset(gateway=here)

        assert rows(here) == dict.fromkeys(before, 0)
        assert rows(there) == before

    def test_keeps_what_lets_a_partner_in(self, receiver: Receiver, now: datetime) -> None:
        here, _ = world(receiver, now)
        secrets = api_secrets(here)
        Endpoint.objects.filter(gateway=here).update(failures=3, failing_since=now)

        reset(gateway=here)

        endpoint = Endpoint.objects.get(gateway=here)
        assert api_secrets(Gateway.objects.get(pk=here.pk)) == secrets
        assert (endpoint.is_enabled, endpoint.failures, endpoint.failing_since) == (True, 0, None)

    def test_costs_two_statements_a_table(self, receiver: Receiver, now: datetime) -> None:
        here, _ = world(receiver, now)

        with at_most(55):  # the keys, then the rows
            reset(gateway=here)

    def test_lets_the_same_user_begin_again(self, receiver: Receiver, now: datetime) -> None:
        partner = make.partner(webhook_url=receiver.url)
        partner.complete(partner.create())

        reset(gateway=Gateway.objects.get())

        assert partner.complete(partner.create()).data["signup"] is True


@pytest.mark.usefixtures("instruments")
class TestTheRest:
    def test_no_table_of_a_gateways_is_forgotten(self) -> None:
        """Whatever leads to a gateway, by however many steps, is in one list or the other."""
        reached: set[Any] = {Gateway}
        for _ in range(4):
            reached |= {model for model in apps.get_models() if _refers_to(model) & reached}

        assert reached - {Gateway} == GOES.keys() | STAYS

    def test_time_returns_to_the_present_and_the_market_to_its_hours(self, now: datetime) -> None:
        here = make.gateway()
        Gateway.objects.update(market_hours="closed", clock_offset=timedelta(days=3))

        reset(gateway=here)

        assert (here.clock_offset, here.market_hours) == (timedelta(0), "")

    def test_a_live_gateway_is_refused_and_keeps_all(self, now: datetime) -> None:
        here = make.gateway(is_test=False)
        make.transaction(gateway=here, now=now)

        with pytest.raises(Conflict):
            reset(gateway=here)

        assert Transaction.objects.count() == 1

    def test_a_message_sent_before_matches_no_row(self, now: datetime) -> None:
        here = make.gateway()
        batch = make.queued_batch(gateway=here, now=now)

        reset(gateway=here)
        make.work_on([batch.pk])

        assert not Event.objects.exists()

    def test_twice_is_once(self, now: datetime) -> None:
        here = make.gateway()
        make.queued_batch(gateway=here, now=now)

        for _ in range(2):
            reset(gateway=here)

        assert not any(rows(here).values())


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("instruments")
def test_what_is_in_flight_meanwhile_disturbs_nobody_elses(now: datetime) -> None:
    here, there = make.gateway(), make.gateway()
    for gateway in (here, there):
        ledger.endpoint(gateway)
        ledger.event(gateway, now - timedelta(days=1))
    flying = take()

    reset(gateway=here)
    settle([FinishedAttempt(delivery, now, EndpointResponse(200, 5)) for delivery in flying])

    assert Attempt.objects.values_list("delivery__gateway", "status_code").get() == (there.pk, 200)
    assert Delivery.objects.get().status == "DELIVERED"


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("instruments")
def test_a_row_that_came_in_meanwhile_is_kept_with_all_it_refers_to(
    now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = make.gateway()
    made = make.logged_in(gateway=here, now=now)

    def late(gateway: Gateway) -> None:
        with atomic():
            Transaction.objects.create(
                gateway=gateway,
                account_id=made.account_id,
                intent="CONNECT",
                expires_at=now,
                created_at=now,
                updated_at=now,
            )

    monkeypatch.setattr("brokers.simulator.account_books.clear_books.clear", late)  # the last step

    with pytest.raises(Busy):
        reset(gateway=here)

    assert Transaction.objects.get() == made


def _refers_to(model: type[models.Model]) -> set[Any]:
    return {field.related_model for field in model._meta.fields if field.is_relation}
