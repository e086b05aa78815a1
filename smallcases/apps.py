from django.apps import AppConfig

from gateway.monitoring.contributions import Tile, register_invariants, register_queue, register_tile
from gateway.queue.enqueue import TaskName


class SmallcasesConfig(AppConfig):
    name = "smallcases"
    verbose_name = "Smallcases"

    def ready(self) -> None:
        register_queue(TaskName.SEND_REBALANCE_NOTICE, "smallcases.rebalancing.rebalance_notifications.notices")
        register_queue(TaskName.REMIND_SIP, "smallcases.sips.sip_changes.active_sips")
        register_invariants(self.label, "smallcases.portfolio.investment_invariants.INVARIANTS")
        register_tile(
            Tile(
                position=3,
                permission="smallcases.view_version",
                template="console/rebalances_tile.html",
                context="smallcases.rebalancing.rebalances_tile.rebalances_tile",
            )
        )
