"""Forms of the reconciliation desk."""

import re
from typing import Any, Final

from django import forms

from brokers.ports.registry import BROKERS
from transactions.domain.corrections import ERROR_CODES, OUTCOMES, CorrectedOutcome
from transactions.domain.statuses import OrderStatus
from transactions.reconciliation.correct_orders import LONGEST_REASON
from transactions.reconciliation.tradebook.columns import Dialect

BEYOND_FOUR: Final = re.compile(r"(\.\d{4})0+\s*\Z", re.ASCII)
REASON = {"rows": 3, "maxlength": LONGEST_REASON}


class PriceField(forms.DecimalField):
    """Accepts zeros after the fourth decimal, as in a tradebook's 28.750000."""

    def to_python(self, value: Any) -> Any:
        return super().to_python(BEYOND_FOUR.sub(r"\1", value) if isinstance(value, str) else value)


class CorrectionForm(forms.Form):
    status = forms.ChoiceField(label="Correct status", choices=[(status.value, status.value) for status in OUTCOMES])
    filled_quantity = forms.IntegerField(label="Shares filled", min_value=0, required=False, initial=0)
    average_price = PriceField(label="Average price, ₹", min_value=0, max_digits=16, decimal_places=4, required=False)
    exchange_order_id = forms.RegexField(
        r"^[A-Za-z0-9_./-]*$", label="Exchange order id", max_length=32, required=False, strip=True
    )
    error_code = forms.ChoiceField(
        label="Error code", required=False, choices=[("", "none"), *((code, code) for code in ERROR_CODES)]
    )
    reason = forms.CharField(max_length=LONGEST_REASON, widget=forms.Textarea(REASON))

    def outcome(self) -> CorrectedOutcome:
        given: dict[str, Any] = self.cleaned_data
        return CorrectedOutcome(
            status=OrderStatus(given["status"]),
            filled_quantity=given["filled_quantity"] or 0,
            average_price=given["average_price"],
            exchange_order_id=given["exchange_order_id"] or None,
            error_code=given["error_code"] or None,
        )


class ReasonForm(forms.Form):
    reason = forms.CharField(max_length=LONGEST_REASON, widget=forms.Textarea(REASON))


class UploadForm(forms.Form):
    file = forms.FileField(label="Tradebook (CSV)")
    broker = forms.ChoiceField(choices=[(profile.key, profile.name) for profile in BROKERS.values()], initial="kite")
    dialect = forms.ChoiceField(
        required=False, choices=[("", "Detect"), *((dialect.value, dialect.value) for dialect in Dialect)]
    )
    client = forms.CharField(
        label="Client id",
        max_length=64,
        required=False,
        help_text="For a file without a client column. Orders in ERROR of this client that the tradebook does not "
        "contain are shown as zero-fills.",
    )

    def dialect_given(self) -> Dialect | None:
        given = self.cleaned_data["dialect"]
        return Dialect(given) if given else None
