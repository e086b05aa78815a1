from django.contrib.admin.apps import AdminConfig


class ConsoleApp(AdminConfig):
    default_site = "gateway.console_site.ConsoleSite"
