"""The permissions of the console's three groups, which every `migrate` restores.

`migrate` creates permissions at its end, app by app; each app's permissions are granted directly after that.
These groups have exactly these permissions; for other permissions create another group.
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
# By app label; a star matches any text. A manager sees only own smallcases (api.manager_access.visible_to).
GRANTS: Final[Mapping[str, Mapping[str, tuple[str, ...]]]] = {
    SUPPORT: {
        "gateway": ("view_gateway", "view_account"),
        "brokers": ("view_*", "probe_broker"),
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
# Permissions for nobody: the rows contain encrypted responses.
NEVER: Final = frozenset({"view_idempotentrequest"})


@receiver(post_migrate)
def settle_roles(*, app_config: AppConfig, using: str, apps: Apps = every_app, **_: Any) -> None:
    """Running it twice changes nothing. Does nothing if this `migrate` has no groups yet; `flush` passes no plan."""
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
