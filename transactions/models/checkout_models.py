"""Checkout sessions, and holdings that a user had imported."""

from django.db import models
from django.db.models import Q

from gateway.models import Account
from gateway.values.ids import new_object_id
from transactions.domain.checkout_modes import MAX_PINS, Mode
from transactions.models.basket_models import Transaction, choices


class HoldingsSnapshot(models.Model):
    """A user's holdings at the broker at the last import, which the user consented to."""

    account = models.OneToOneField(Account, on_delete=models.PROTECT, related_name="snapshot")
    securities = models.JSONField()
    taken_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.account} {self.taken_at}"


class CheckoutSession(models.Model):
    """A user's checkout of one transaction (see transactions.checkout.browser_binding for its URLs and secrets).

    Tokens and codes are stored as digests, so a copy of the database opens no checkout. `token_digest` belongs to the
    URL before the login, `login_token_digest` to the URL after. `session_id`, `code_challenge` and `origin` belong to
    the page that opened the session; sessions without a challenge are from an older release. `result_digest` is empty
    before the login and after the result was fetched. `login_network` is a keyed digest of the login's network.
    `quoted_order` is the quote that the user confirmed.
    """

    session_id = models.CharField(max_length=24, unique=True, default=new_object_id)
    token_digest = models.CharField(max_length=64, unique=True)
    login_token_digest = models.CharField(max_length=64, null=True)
    code_challenge = models.CharField(max_length=43, blank=True, default="", db_default="")
    result_digest = models.CharField(max_length=64, blank=True, default="", db_default="")
    login_network = models.CharField(max_length=64, blank=True, default="", db_default="")
    transaction = models.ForeignKey(Transaction, on_delete=models.PROTECT, related_name="sessions")
    mode = models.CharField(max_length=8, choices=choices(*Mode))
    origin = models.CharField(max_length=255)
    redirect_url = models.CharField(max_length=500, blank=True)
    brokers = models.JSONField(default=list)
    amo = models.BooleanField(default=False)
    broker = models.CharField(max_length=20, blank=True)
    found_no_broker = models.BooleanField(default=False)
    pin_attempts = models.PositiveSmallIntegerField(default=0, db_column="pins_tried")
    quoted_order = models.JSONField(null=True, db_column="shown")
    created_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    is_replaced = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["transaction"], condition=Q(ended_at__isnull=True), name="one_open_checkout_per_transaction"
            ),
            models.UniqueConstraint(
                fields=["login_token_digest"],
                condition=Q(login_token_digest__isnull=False),
                name="one_checkout_per_login_url",
            ),
            models.CheckConstraint(condition=Q(pin_attempts__lte=MAX_PINS), name="no_more_pins_than_allowed"),
            models.CheckConstraint(
                condition=Q(mode="redirect") & ~Q(redirect_url="") | ~Q(mode="redirect") & Q(redirect_url=""),
                name="a_redirect_leads_somewhere",
            ),
            models.CheckConstraint(condition=Q(broker="") | Q(found_no_broker=False), name="a_broker_or_none"),
            models.CheckConstraint(
                condition=Q(is_replaced=False) | Q(ended_at__isnull=False), name="what_is_replaced_has_ended"
            ),
            models.CheckConstraint(
                condition=Q(result_digest="", login_network="") | Q(login_token_digest__isnull=False),
                name="no_result_before_the_login",
            ),
        ]

    def __str__(self) -> str:
        return self.session_id
