from django.apps import AppConfig


class SmallcasesConfig(AppConfig):
    name = "smallcases"
    verbose_name = "Smallcases"
