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


class WebhooksConfig(AppConfig):
    name = "webhooks"
    verbose_name = "Webhooks"

    def ready(self) -> None:
        register_queue(TaskName.DELIVER, "webhooks.delivery.dispatcher.next_in_line")
        register_queue(TaskName.REPLAY, "webhooks.events.replay.replays")
        register_invariants(self.label, "webhooks.delivery.delivery_invariants.INVARIANTS")
        register_gauge(
            GaugeSource(
                "gateway_endpoints_disabled",
                "Disabled webhook endpoints",
                "webhooks.delivery.deliveries_tile.count_disabled",
            )
        )
        register_tile(
            Tile(
                position=2,
                permission="webhooks.view_endpoint",
                template="console/deliveries_tile.html",
                context="webhooks.delivery.deliveries_tile.deliveries_tile",
            )
        )
