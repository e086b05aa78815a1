from argparse import ArgumentParser
from typing import Any

from django.contrib.auth.models import User

from gateway.cli.management_base import Command as GatewayCommand
from gateway.cli.management_base import stop
from smallcases.api.manager_access import PERMISSION
from smallcases.api.manager_tokens import issue_token


class Command(GatewayCommand):
    help = (
        "Create a user's Manager API token and print it once; only its digest is stored. Replaces the previous token."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("username", help="a user who may publish rebalances")

    def act(self, *, username: str, **options: Any) -> None:
        user = User.objects.filter(username=username).first()
        if user is None:
            stop(f"There is no user {username}.")
        if not user.has_perm(PERMISSION):
            stop(f"{username} may not publish rebalances: the permission is {PERMISSION}.")
        self.stdout.write(issue_token(user=user, by=self.actor))
