from django.apps import AppConfig

from gateway.monitoring.contributions import (
    GaugeSource,
    Tile,
    register_gauge,
    register_invariants,
    register_queue,
    register_tile,
)
from gateway.queue.enqueue import TaskName


class TransactionsConfig(AppConfig):
    name = "transactions"
    verbose_name = "Transactions"

    def ready(self) -> None:
        from brokers.user_questions import register_session_end  # noqa: PLC0415  # models are loaded only now

        register_queue(TaskName.PLACE_BATCHES, "transactions.queries.broker_outages.to_place")
        register_queue(TaskName.SYNC_BATCHES, "transactions.queries.broker_outages.to_poll")
        register_session_end("transactions.execution.broker_sessions.end_session")
        register_invariants(self.label, "transactions.invariants.INVARIANTS")
        register_invariants(self.label, "transactions.sandbox.sandbox_invariants.INVARIANTS")
        register_gauge(
            GaugeSource(
                "gateway_orders_in_error",
                "Orders with an unknown outcome",
                "transactions.queries.orders_tile.count_in_error",
            )
        )
        register_tile(
            Tile(
                position=0,
                permission="brokers.view_brokeroutage",
                template="console/outages_tile.html",
                context="transactions.queries.broker_outages.outages_tile",
            )
        )
        register_tile(
            Tile(
                position=1,
                permission="transactions.view_order",
                template="console/orders_tile.html",
                context="transactions.queries.orders_tile.orders_tile",
            )
        )
