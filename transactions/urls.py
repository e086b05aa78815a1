from django.urls import include, path, register_converter

from gateway.values.ids import GATEWAY_NAME, OBJECT_ID, SYMBOL, TRANSACTION_ID
from transactions.api import views
from transactions.sandbox import views as sandbox


class _Pattern:
    """A path segment that matches `regex`; other segments are 404."""

    def to_python(self, value: str) -> str:
        return value

    to_url = to_python


class _GatewayName:
    """A gateway's name in any case; views get the stored lower case."""

    regex = GATEWAY_NAME.pattern

    def to_python(self, value: str) -> str:
        return value.lower()

    to_url = to_python


def _converter(name: str, regex: str) -> None:
    register_converter(type(name, (_Pattern,), {"regex": regex}), name)


register_converter(_GatewayName, "gateway")
_converter("trx", TRANSACTION_ID.pattern)
_converter("object", OBJECT_ID.pattern)
_converter("symbol", SYMBOL.pattern)

urlpatterns = [
    path("gateway/<gateway:gateway>/transaction", views.Transactions.as_view()),
    path("v1/<gateway:gateway>/engine/transactiondetails", views.TransactionDetails.as_view()),
    path("v1/<gateway:gateway>/engine/orders/sst", views.SecuritiesOrders.as_view()),
    path("v1/<gateway:gateway>/engine/orders/smt", views.SmallcaseOrders.as_view()),
    path("v1/<gateway:gateway>/engine/user/investments", views.Investments.as_view()),
    path("v1/<gateway:gateway>/engine/user/exitedSmallcases", views.ExitedSmallcases.as_view()),
    path("v1/<gateway:gateway>/engine/user/holdings", views.Holdings.as_view()),
    path("v1/<gateway:gateway>/engine/user/statement", views.StatementOfInvestment.as_view()),
    path(
        "sandbox/<gateway:gateway>/transactions/<trx:transaction_id>/complete",
        sandbox.CompleteTransaction.as_view(),
    ),
    path("sandbox/<gateway:gateway>/market", sandbox.SandboxMarket.as_view()),
    path("sandbox/<gateway:gateway>/clock", sandbox.Clock.as_view()),
    path("sandbox/<gateway:gateway>/prices/<symbol:ticker>", sandbox.Price.as_view()),
    path(
        "sandbox/<gateway:gateway>/batches/<object:batch_id>/orders/<symbol:tradingsymbol>/act",
        sandbox.ActOnOrder.as_view(),
    ),
    path("sandbox/<gateway:gateway>/brokers/<broker>/faults", sandbox.BrokerFaults.as_view()),
    path("sandbox/<gateway:gateway>/scenarios", sandbox.Scenarios.as_view()),
    path("sandbox/<gateway:gateway>/reset", sandbox.Reset.as_view()),
    path("", include("transactions.checkout.urls")),
]
