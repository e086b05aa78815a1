"""Access to the Manager API: a token, the permission to publish, and the smallcases that the user manages."""

from typing import TypeVar

from django.contrib.auth.models import AnonymousUser, User
from django.db.models import Model, QuerySet
from rest_framework.authentication import BaseAuthentication, TokenAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from gateway.api.base_view import BaseView, Identity
from gateway.database.lookups import first_or_not_found
from gateway.values.errors import ErrorType, GatewayError, InvalidSecret, WrongSecret
from smallcases.api.manager_tokens import kept_form
from smallcases.models import Smallcase

PERMISSION = "smallcases.add_version"
READS_ALL = "smallcases.view_investment"
M = TypeVar("M", bound=Model)


class MayNotPublish(GatewayError):
    status, error_type = 403, ErrorType.USER_MISMATCH


class ManagerAuthentication(TokenAuthentication):
    """`Authorization: Token <key>`."""

    def authenticate(self, request: Request) -> tuple[User, object]:
        try:
            found = super().authenticate(request)
        except AuthenticationFailed as refusal:
            raise WrongSecret(f"Authorization: {refusal.detail}") from None
        if found is None:
            raise InvalidSecret("The header Authorization is missing; it must be: Token <key>.")
        return found

    def authenticate_credentials(self, key: str) -> tuple[User, object]:
        return super().authenticate_credentials(kept_form(key))


class ManagerView(BaseView):
    """The base of the Manager API's views. A caller without the permission to publish gets 403 before parsing."""

    @property
    def identity(self) -> Identity:
        return Identity(user_id=self.manager.pk)

    @property
    def manager(self) -> User:
        return self.request.user  # type: ignore[return-value]  # set by ManagerAuthentication

    def get_authenticators(self) -> list[BaseAuthentication]:
        return [ManagerAuthentication()]

    def check_permissions(self, request: Request) -> None:
        if not request.user.has_perm(PERMISSION):
            raise MayNotPublish("This user may not publish rebalances.")


def visible_to(user: User | AnonymousUser, rows: QuerySet[M], *, path: str = "") -> QuerySet[M]:
    """`rows` of the smallcases that `user` may see: those they manage, or all if they may read every investment.

    `path` is the lookup from a row to its smallcase.
    """
    if user.has_perm(READS_ALL):
        return rows
    return rows.filter(**{"__".join(filter(None, (path, "manager"))): user.pk})


def smallcase_managed_by(manager: User, scid: str) -> Smallcase:
    """The smallcase, if `manager` manages it or is a superuser. Raises NotFound, also for another manager's."""
    rows = Smallcase.objects.filter(scid=scid)
    own = rows if manager.is_superuser else rows.filter(manager=manager)
    return first_or_not_found(own, "You manage no smallcase with this scid.")
