from django.apps import AppConfig

from gateway.contributions import Tile, register_invariants, register_queue, register_tile
from gateway.jobs import Job


class SmallcasesConfig(AppConfig):
    name = "smallcases"
    verbose_name = "Smallcases"

    def ready(self) -> None:
        register_queue(Job.ANNOUNCE, "smallcases.services.announcing.announcements")
        register_queue(Job.TELL_SIP, "smallcases.services.sips.active_sips")
        register_invariants(self.label, "smallcases.invariants.INVARIANTS")
        register_tile(
            Tile(
                position=3,
                permission="smallcases.view_version",
                template="console/rebalances_tile.html",
                context="smallcases.rebalances_tile.rebalances_tile",
            )
        )
