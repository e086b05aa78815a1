"""Views of the Sandbox API, for test gateways only."""

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from brokers.market import price_overrides
from brokers.market.calendar import market_of
from brokers.ports import outages
from brokers.ports.registry import BROKERS, profile_of
from brokers.simulator import order_actions
from brokers.simulator.faults import switched_faults
from gateway.api.partner_views import SandboxView, ok
from gateway.models import Gateway
from gateway.partners import clock
from gateway.values.errors import NotFound
from gateway.values.money import wire_amount
from gateway.values.timestamps import timestamp, timestamp_or_null
from transactions.api import payloads
from transactions.execution.gateway_clock import come_back
from transactions.execution.requeue import requeue
from transactions.models import Batch
from transactions.queries import selectors
from transactions.sandbox import openapi, scripted_checkout
from transactions.sandbox.reset import reset
from transactions.sandbox.scenarios import scenarios
from transactions.sandbox.serializers import ActIn, ClockIn, Complete, FaultsIn, MarketIn, PriceIn

MAX_WAIT = 30


class CompleteTransaction(SandboxView):
    @openapi.COMPLETE
    def post(self, request: Request, gateway: str, transaction_id: str) -> Response:
        caller = self.caller
        user = Complete.user(request.data)
        seconds = _seconds(request)
        transaction = selectors.transaction_of(caller.gateway, transaction_id)
        scripted_checkout.complete(transaction=transaction, user=user, now=clock.now(caller.gateway))
        scripted_checkout.wait(transaction, seconds=seconds)
        return ok(payloads.sdk_response(transaction, selectors.orders_of(transaction)))


class SandboxMarket(SandboxView):
    @openapi.MARKET
    def get(self, request: Request, gateway: str) -> Response:
        return ok(_market(self.caller.gateway))

    @openapi.SET_MARKET
    def post(self, request: Request, gateway: str) -> Response:
        hours = MarketIn.parse(request.data)["hours"]
        Gateway.objects.filter(pk=self.caller.gateway.pk).update(market_hours=hours)
        self.caller.gateway.market_hours = hours
        _wake_all(self.caller.gateway)
        return ok(_market(self.caller.gateway))


class Clock(SandboxView):
    @openapi.CLOCK
    def get(self, request: Request, gateway: str) -> Response:
        return ok({"now": timestamp(clock.now(self.caller.gateway))})

    @openapi.MOVE_CLOCK
    def post(self, request: Request, gateway: str) -> Response:
        move = ClockIn.parse(request.data)
        if "advance" in move:
            clock.advance(self.caller.gateway, by=move["advance"])
        elif "set" in move:
            clock.set_to(self.caller.gateway, moment=move["set"])
        elif move["reset"]:
            come_back(self.caller.gateway)
        return ok({"now": timestamp(clock.now(self.caller.gateway))})


class Price(SandboxView):
    @openapi.PIN
    def put(self, request: Request, gateway: str, ticker: str) -> Response:
        price = PriceIn.parse(request.data)["price"]
        here = self.caller.gateway
        price_overrides.override_price(gateway=here, ticker=ticker, price=price, now=clock.now(here))
        _wake_all(here)
        return ok({"ticker": ticker, "price": wire_amount(price), "pinned": True})

    @openapi.UNPIN
    def delete(self, request: Request, gateway: str, ticker: str) -> Response:
        here = self.caller.gateway
        price = price_overrides.remove_override(gateway=here, ticker=ticker, now=clock.now(here))
        _wake_all(here)
        return ok({"ticker": ticker, "price": wire_amount(price), "pinned": False})


class BrokerFaults(SandboxView):
    @openapi.FAULTS
    def get(self, request: Request, gateway: str, broker: str) -> Response:
        return self._faults(_known(broker))

    @openapi.SWITCH_FAULTS
    def put(self, request: Request, gateway: str, broker: str) -> Response:
        here, faults = self.caller.gateway, FaultsIn.faults(request.data)
        switched_faults.switch_faults(gateway=here, broker=_known(broker), faults=faults, now=clock.wall())
        return self._changed(broker)

    @openapi.CLEAR_FAULTS
    def delete(self, request: Request, gateway: str, broker: str) -> Response:
        switched_faults.clear_faults(gateway=self.caller.gateway, broker=_known(broker))
        return self._changed(broker)

    def _changed(self, broker: str) -> Response:
        """The broker is asked at once, also where its link is down."""
        here = self.caller.gateway
        outages.probe_now((here.pk, broker), now=clock.wall())
        _wake_all(here)
        return self._faults(broker)

    def _faults(self, broker: str) -> Response:
        return ok(switched_faults.faults_of(self.caller.gateway, broker))


class ActOnOrder(SandboxView):
    @openapi.ACT
    def post(self, request: Request, gateway: str, batch_id: str, tradingsymbol: str) -> Response:
        here = self.caller.gateway
        wanted = ActIn.parse(request.data)
        order = selectors.order_of(here, batch_id, tradingsymbol)
        order_actions.act_on_order(
            ref=order.ref,
            action=order_actions.OrderAction(
                kind=order_actions.ActionKind(wanted["action"]),
                quantity=wanted.get("quantity"),
                price=wanted.get("price"),
                error_code=wanted.get("errorCode"),
            ),
            tariff=profile_of(order.batch.account.broker).tariff,
            now=clock.now(here),
        )
        requeue(Batch.objects.filter(pk=order.batch_id), here, now=clock.now(here))
        return ok({"batchId": batch_id, "tradingsymbol": tradingsymbol, "action": wanted["action"]})


class Reset(SandboxView):
    @openapi.RESET
    def post(self, request: Request, gateway: str) -> Response:
        here = self.caller.gateway
        reset(gateway=here)
        return ok({"now": timestamp(clock.now(here))})


class Scenarios(SandboxView):
    @openapi.SCENARIOS
    def get(self, request: Request, gateway: str) -> Response:
        return ok(scenarios())


def _seconds(request: Request) -> float:
    """`?wait=`: the longest time until the response, in seconds."""
    field = serializers.FloatField(min_value=0, max_value=MAX_WAIT)
    try:
        return float(field.run_validation(request.query_params.get("wait", "0")))
    except serializers.ValidationError as error:
        raise serializers.ValidationError({"wait": error.detail}) from None


def _known(broker: str) -> str:
    if broker not in BROKERS:
        raise NotFound(f"There is no broker with this key; there are {', '.join(BROKERS)}.")
    return broker


def _market(gateway: Gateway) -> dict[str, Any]:
    now = clock.now(gateway)
    market = market_of(gateway, now=now)
    return {
        "hours": market.hours.value,
        "open": market.is_open(now),
        "nextOpen": timestamp_or_null(market.next_open(now)),
        "now": timestamp(now),
    }


def _wake_all(gateway: Gateway) -> None:
    requeue(Batch.objects.all(), gateway, now=clock.now(gateway))
