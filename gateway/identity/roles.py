"""Who may do what in the console: three groups, made by `migrate` and brought back by every later one.

Permissions come to be at the end of `migrate`, app by app; what a role is given of an app is settled right after them.
A group of one of these names has exactly these permissions: who needs others gets another group.
"""

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any, Final

from django.apps import AppConfig
from django.apps import apps as every_app
from django.apps.registry import Apps
from django.db.models.signals import post_migrate
from django.db.transaction import atomic
from django.dispatch import receiver

SUPPORT, MANAGERS, AUDITORS = "Support", "Managers", "Auditors"
OURS: Final = ("gateway", "brokers", "simulator", "webhooks", "smallcases", "transactions", "tradebook")
# By app label; a star stands for anything. A manager sees own smallcases alone (api.manager_access.visible_to).
GRANTS: Final[Mapping[str, Mapping[str, tuple[str, ...]]]] = {
    SUPPORT: {
        "gateway": ("view_gateway", "view_account"),
        "brokers": ("view_*",),
        "simulator": ("view_*",),
        "webhooks": ("view_*", "change_delivery", "change_endpoint"),
        "smallcases": ("view_*", "approve_rebalance"),
        "transactions": ("view_*", "mark_complete", "reconcile_order", "approve_correction"),
        "tradebook": ("view_*",),
    },
    MANAGERS: {
        "brokers": ("view_instrument",),
        "smallcases": (
            *(f"view_{name}" for name in ("smallcase", "version", "constituent", "indexvalue", "performance")),
            "view_rebalancenotice",
            "view_rebalancedraft",
            "add_version",
        ),
    },
    AUDITORS: {
        **dict.fromkeys(OURS, ("view_*",)),
        "auth": ("view_user", "view_group"),
        "admin": ("view_logentry",),
    },
}
# What nobody needs to look at, and what holds answers that are encrypted.
NEVER: Final = frozenset({"view_idempotentrequest"})


@receiver(post_migrate)
def settle_roles(*, app_config: AppConfig, using: str, apps: Apps = every_app, **_: Any) -> None:
    """Twice is once. Nothing where the plan of this `migrate` has no groups yet; `flush` passes no plan."""
    label = app_config.label
    if not any(label in grants for grants in GRANTS.values()):
        return
    try:
        group, permission = apps.get_model("auth", "Group"), apps.get_model("auth", "Permission")
    except LookupError:
        return
    rows = permission._default_manager.using(using).filter(content_type__app_label=label)
    known = dict(rows.values_list("codename", "pk"))
    with atomic(using=using):
        for role, grants in GRANTS.items():
            one, _made = group._default_manager.using(using).get_or_create(name=role)
            wanted = {pk for codename, pk in known.items() if _is_granted(codename, grants.get(label, ()))}
            held = set(one.permissions.filter(content_type__app_label=label).values_list("pk", flat=True))
            if held != wanted:
                one.permissions.remove(*(held - wanted))
                one.permissions.add(*(wanted - held))


def _is_granted(codename: str, patterns: tuple[str, ...]) -> bool:
    return codename not in NEVER and any(fnmatchcase(codename, pattern) for pattern in patterns)
