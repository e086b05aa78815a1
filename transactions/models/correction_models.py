"""Corrections of orders by support."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from transactions.domain.statuses import BatchStatus
from transactions.models.basket_models import Order, choices


class CorrectionState(models.TextChoices):
    """UNDONE was applied earlier; OUTDATED is a proposal whose order has changed since."""

    PROPOSED = "PROPOSED"
    APPLIED = "APPLIED"
    UNDONE = "UNDONE"
    DECLINED = "DECLINED"
    OUTDATED = "OUTDATED"


class OrderCorrection(models.Model):
    """A correction of one order by support: the states `before` and `after`, and the responsible people.

    Undoing a correction is another version. `amount` is the amount at stake, in rupees; `needs_approval`: by another
    person. `broker_confirms`: whether the broker's last report confirms it; None without a report.
    """

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="corrections")
    version = models.PositiveIntegerField()
    undoes = models.ForeignKey("self", on_delete=models.PROTECT, null=True, related_name="undone_by")
    state = models.CharField(max_length=8, choices=CorrectionState, default=CorrectionState.PROPOSED)
    before = models.JSONField()
    after = models.JSONField()
    batch_before = models.CharField(max_length=16, choices=choices(*BatchStatus))
    batch_after = models.CharField(max_length=16, choices=choices(*BatchStatus))
    completed_before = models.DateTimeField(null=True)
    completed_after = models.DateTimeField(null=True)
    amount = models.DecimalField(max_digits=20, decimal_places=2)
    needs_approval = models.BooleanField(db_column="needs_second")
    from_tradebook = models.BooleanField(default=False)
    reason = models.CharField(max_length=500)
    proposed_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    proposed_at = models.DateTimeField()
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    decided_at = models.DateTimeField(null=True)
    note = models.CharField(max_length=500, blank=True)
    applied_at = models.DateTimeField(null=True)
    broker_confirms = models.BooleanField(null=True, db_column="word_agrees")
    broker_reported_at = models.DateTimeField(null=True, db_column="word_at")

    class Meta:
        db_table = "transactions_settlement"
        permissions = [("approve_correction", "Can approve corrections that another has proposed")]
        constraints = [
            models.UniqueConstraint(fields=["order", "version"], name="one_settlement_per_version"),
            models.UniqueConstraint(
                fields=["order"], condition=Q(state="PROPOSED"), name="one_open_proposal_per_order"
            ),
            models.UniqueConstraint(
                fields=["undoes"], condition=Q(state__in=["PROPOSED", "APPLIED"]), name="undone_once"
            ),
            models.CheckConstraint(condition=~Q(reason=""), name="a_settlement_has_a_reason"),
            models.CheckConstraint(
                condition=Q(state__in=["APPLIED", "UNDONE"], applied_at__isnull=False)
                | (~Q(state__in=["APPLIED", "UNDONE"]) & Q(applied_at__isnull=True)),
                name="applied_when_it_is",
            ),
            models.CheckConstraint(
                condition=Q(needs_approval=False)
                | Q(applied_at__isnull=True)
                | (Q(decided_by__isnull=False) & ~Q(decided_by=F("proposed_by"))),
                name="nobody_approves_their_own",
            ),
        ]
        indexes = [
            models.Index(fields=["id"], condition=Q(state="PROPOSED"), name="settlement_proposed"),
            models.Index(
                fields=["id"], condition=Q(state="APPLIED", broker_confirms=False), name="settlement_contradicted"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.order} v{self.version}"
