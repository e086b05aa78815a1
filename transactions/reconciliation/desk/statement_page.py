"""The statement of an investment in the console, to read and to print."""

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_safe

from gateway.console.row_actions import require
from gateway.partners import clock
from gateway.values.errors import GatewayError
from smallcases.models import Investment
from transactions.queries.statement import Statement, statement_of
from transactions.reconciliation.desk.views import page


class PeriodForm(forms.Form):
    day = forms.DateInput(attrs={"type": "date"})
    first = forms.DateField(label="From", required=False, widget=day)
    last = forms.DateField(label="To", required=False, widget=day)


@require_safe
def statement(request: HttpRequest, iscid: str) -> HttpResponse:
    require(request, "smallcases.view_investment")
    investment = get_object_or_404(Investment.objects.select_related("smallcase", "gateway", "account"), iscid=iscid)
    form = PeriodForm(request.GET or None)
    return page(
        request,
        "statement",
        f"Statement of {investment}",
        form=form,
        investment=investment,
        statement=_statement(investment, form),
    )


def _statement(investment: Investment, form: PeriodForm) -> Statement | None:
    """None if the period is impossible; the form says why."""
    if form.is_bound and not form.is_valid():
        return None
    try:
        return statement_of(investment, now=clock.now(investment.gateway), **getattr(form, "cleaned_data", {}))
    except GatewayError as refusal:
        for sentence in refusal.sentences:
            form.add_error(None, sentence)
        return None
