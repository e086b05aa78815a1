"""Views of the Partner API."""

from rest_framework.request import Request
from rest_framework.response import Response

from gateway.api.partner_views import PartnerView, flag, ok
from gateway.partners import clock
from gateway.values.errors import Invalid
from transactions.api import openapi, payloads, portfolio_payloads
from transactions.api.serializers import CreateTransaction, OrdersQuery, StatementQuery
from transactions.lifecycle.create import create_transaction
from transactions.queries import selectors, user_portfolio
from transactions.queries.statement import investment_with, statement_of


class Transactions(PartnerView):
    @openapi.CREATE
    def post(self, request: Request, gateway: str) -> Response:
        caller = self.caller
        made = create_transaction(
            gateway=caller.gateway,
            account=caller.account,
            request=CreateTransaction.request_from(request.data),
            now=clock.now(caller.gateway),
            turn=self.turn,
        )
        return ok(payloads.created(made))


class TransactionDetails(PartnerView):
    @openapi.DETAILS
    def get(self, request: Request, gateway: str) -> Response:
        caller = self.caller
        transaction_id = request.query_params.get("transactionId", "")
        found, orders = selectors.transaction_and_orders(caller.gateway, transaction_id, account=caller.account)
        expired = selectors.is_expired(found, clock.now(caller.gateway))
        details = payloads.details(found, orders, expired=expired)
        return ok({"transactionDetails": details})


class SecuritiesOrders(PartnerView):
    @openapi.SECURITIES_ORDERS
    def get(self, request: Request, gateway: str) -> Response:
        caller, wanted = self.caller, OrdersQuery.request_from(request.query_params, "transactionId", "batchId")
        found = selectors.batches_and_orders(caller.gateway, caller.account, wanted, of_smallcases=False)
        return ok(payloads.batches(found))


class SmallcaseOrders(PartnerView):
    @openapi.SMALLCASE_ORDERS
    def get(self, request: Request, gateway: str) -> Response:
        caller = self.caller
        wanted = OrdersQuery.request_from(request.query_params, "transactionId", "batchId", "iscid")
        found = selectors.batches_and_orders(caller.gateway, caller.account, wanted, of_smallcases=True)
        return ok(payloads.batches(found))


class Investments(PartnerView):
    @openapi.INVESTMENTS
    def get(self, request: Request, gateway: str) -> Response:
        caller, query = self.caller, request.query_params
        aggregate = flag(request, "aggregatedData")
        iscids = query.getlist("iscid") if "iscid" in query else None
        held = user_portfolio.held(caller.connected(), iscids=iscids, now=clock.now(caller.gateway))
        if aggregate:
            has_invested = bool(held) or user_portfolio.has_invested(caller.connected())
            return ok(portfolio_payloads.aggregated(held, has_invested=has_invested))
        return ok([portfolio_payloads.investment(one) for one in held])


class ExitedSmallcases(PartnerView):
    @openapi.EXITED
    def get(self, request: Request, gateway: str) -> Response:
        caller = self.caller
        exited = user_portfolio.exited(caller.connected(), now=clock.now(caller.gateway))
        return ok([portfolio_payloads.exited(one) for one in exited])


class StatementOfInvestment(PartnerView):
    @openapi.STATEMENT
    def get(self, request: Request, gateway: str) -> Response:
        caller = self.caller
        account = caller.connected()
        asked = StatementQuery.request_from(request.query_params)
        found = statement_of(
            investment_with(account, asked["iscid"]),
            now=clock.now(caller.gateway),
            first=asked.get("from"),
            last=asked.get("to"),
        )
        return ok(portfolio_payloads.statement(found))


class Holdings(PartnerView):
    @openapi.HOLDINGS
    def get(self, request: Request, gateway: str) -> Response:
        caller = self.caller
        account = caller.connected()
        version = request.query_params.get("version", "v1")
        if version not in {"v1", "v2"}:
            raise Invalid("version: must be v1 or v2.")
        held = user_portfolio.held(account, now=clock.now(caller.gateway))
        return ok(portfolio_payloads.holdings(selectors.snapshot_of(account), held, version=version))
