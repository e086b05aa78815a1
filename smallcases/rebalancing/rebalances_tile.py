"""Rebalances on the console's home page."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

from django.contrib.auth.models import User

from gateway.monitoring.backlog import COUNTED
from smallcases.api.manager_access import visible_to
from smallcases.models import Version
from smallcases.rebalancing.adoption import Adoption, adoption_of

REBALANCES: Final = 5


def rebalances_tile(user: User, *, now: datetime) -> dict[str, Any]:
    return {"adoption": list(adoption(user))}


def adoption(user: User) -> Iterator[Adoption]:
    """The adoption of the newest rebalances that the user may see."""
    versions = visible_to(user, Version.objects.filter(number__gt=1), path="smallcase").select_related("smallcase")
    for version in versions.order_by("-published_at", "-pk")[:REBALANCES]:
        yield adoption_of(version, at_most=COUNTED)
