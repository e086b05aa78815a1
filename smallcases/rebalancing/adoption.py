"""The progress of a rebalance: notified investors, and investments that have adopted it."""

from dataclasses import dataclass

from django.db.models import Count, Exists, F, OuterRef, Q

from smallcases.catalogue.selectors import live_investments
from smallcases.models import RebalanceNotice, Version


@dataclass(frozen=True, slots=True)
class Adoption:
    """The number of live investments that have adopted a version, of the counted ones."""

    version: Version
    live: int
    adopted: int

    @property
    def percent(self) -> int:
        return 100 * self.adopted // self.live if self.live else 0


@dataclass(frozen=True, slots=True)
class NotificationProgress:
    """The number of investors notified of a version, and still to be notified, over all gateways."""

    notified: int
    left: int
    is_done: bool

    @property
    def whole(self) -> int:
        return self.notified + self.left


def adoption_of(version: Version, *, at_most: int) -> Adoption:
    """Counts the first `at_most` live investments."""
    live = live_investments(version.smallcase).order_by()[:at_most]
    counted = live.aggregate(live=Count("pk"), adopted=Count("pk", filter=Q(version=version)))
    return Adoption(version, counted["live"], counted["adopted"])


def progress_of(version: Version, *, at_most: int) -> NotificationProgress:
    """`version` has its announcements loaded. One query while an announcement is due, none afterwards."""
    notices = list(version.notices.all())
    is_done = all(one.due_at is None for one in notices)
    return NotificationProgress(
        sum(one.notified for one in notices), 0 if is_done else _left(version, at_most), is_done
    )


def _left(version: Version, at_most: int) -> int:
    here = RebalanceNotice.objects.filter(version=version, gateway=OuterRef("gateway"), due_at__isnull=False)
    waiting = here.filter(notified_up_to__lt=OuterRef("pk"))
    older = live_investments(version.smallcase).filter(version__number__lt=version.number)
    return older.filter(Exists(waiting)).order_by(F("pk"))[:at_most].count()
