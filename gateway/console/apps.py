"""The console's app. Only processes that serve pages load them (gateway.urls), so workers start without them."""

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.contrib.admin.apps import SimpleAdminConfig
from django.contrib.admin.checks import check_admin_app, check_dependencies
from django.core import checks


class ConsoleApp(SimpleAdminConfig):
    default_site = "gateway.console.site.ConsoleSite"

    def ready(self) -> None:
        """Replaces the base's check, which may run before the pages are registered and would then check nothing."""
        checks.register(check_dependencies, checks.Tags.admin)
        checks.register(check_pages, checks.Tags.admin)


def check_pages(app_configs: Sequence[Any] | None, **_: Any) -> list[checks.CheckMessage]:
    admin.autodiscover()
    return check_admin_app(app_configs)
