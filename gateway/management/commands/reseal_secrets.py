from typing import Any

from gateway.management.commands.reencrypt_secrets import Command as GatewayCommand
from gateway.values.old_names import warn_of_old_name


class Command(GatewayCommand):
    help = "The name that reencrypt_secrets had in the last release."

    def act(self, **options: Any) -> None:
        warn_of_old_name("manage.py reseal_secrets", "manage.py reencrypt_secrets")
        super().act(**options)
