"""The partner plane's doors: parse, one call inward, answer."""

from rest_framework.request import Request
from rest_framework.response import Response

from gateway import clock
from gateway.planes import PartnerView, ok
from transactions import payloads, selectors
from transactions.openapi import CREATE, DETAILS, SECURITIES_ORDERS
from transactions.serializers import CreateTransaction, OrdersQuery
from transactions.services.intake import create_transaction


class Transactions(PartnerView):
    @CREATE
    def post(self, request: Request, gateway: str) -> Response:
        caller = self.caller
        made = create_transaction(
            gateway=caller.gateway,
            account=caller.account,
            wanted=CreateTransaction.wanted(request.data),
            now=clock.now(caller.gateway),
        )
        return ok(payloads.created(made))


class TransactionDetails(PartnerView):
    @DETAILS
    def get(self, request: Request, gateway: str) -> Response:
        caller = self.caller
        transaction_id = request.query_params.get("transactionId", "")
        found = selectors.transaction_of(caller.gateway, transaction_id, account=caller.account)
        expired = selectors.is_expired(found, clock.now(caller.gateway))
        details = payloads.details(found, selectors.orders_of(found), expired=expired)
        return ok({"transactionDetails": details})


class SecuritiesOrders(PartnerView):
    @SECURITIES_ORDERS
    def get(self, request: Request, gateway: str) -> Response:
        wanted = OrdersQuery.of(request.query_params)
        batches = selectors.securities_batches(
            self.caller.gateway,
            account=self.caller.account,
            transaction_ids=wanted.get("transactionId", ()),
            batch_ids=wanted.get("batchId", ()),
            offset=wanted["offset"],
            count=wanted["count"],
        )
        return ok([payloads.batch(batch, list(batch.orders.all()), batch.transaction) for batch in batches])
