"""The console's app. Its pages are discovered by who serves them (gateway.urls): a worker starts without them."""

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.contrib.admin.apps import SimpleAdminConfig
from django.contrib.admin.checks import check_admin_app, check_dependencies
from django.core import checks


class ConsoleApp(SimpleAdminConfig):
    default_site = "gateway.console.site.ConsoleSite"

    def ready(self) -> None:
        """In place of the base's check, which may come before the pages are there and then finds them all right."""
        checks.register(check_dependencies, checks.Tags.admin)
        checks.register(check_pages, checks.Tags.admin)


def check_pages(app_configs: Sequence[Any] | None, **_: Any) -> list[checks.CheckMessage]:
    admin.autodiscover()
    return check_admin_app(app_configs)
