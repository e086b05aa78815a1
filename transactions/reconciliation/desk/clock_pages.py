"""The clock of a test gateway in the console."""

from datetime import timedelta
from typing import Any, Final

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse

from gateway.console.read_only_admin import actor_of
from gateway.console.row_actions import operate, require
from gateway.console.time_zone import shown
from gateway.models import Gateway
from gateway.partners import clock
from gateway.values.errors import GatewayError
from transactions.execution import gateway_clock

MOVES: Final = "gateway.move_clock"
MOST: Final = 1_000_000  # of any unit; clock.advance has its own limit


class AdvanceForm(forms.Form):
    amount = forms.IntegerField(label="Advance by", min_value=1, max_value=MOST, initial=15)
    unit = forms.ChoiceField(choices=[(unit, unit) for unit in ("minutes", "hours", "days")])


def move(request: HttpRequest, pk: int) -> HttpResponse:
    """Advances a test gateway's clock, or resets it to real time. Live gateways have no clock: 404."""
    require(request, MOVES)
    gateway = get_object_or_404(Gateway, pk=pk, is_test=True)
    back = reverse("admin:gateway_gateway_change", args=[pk])
    if request.method == "POST" and "second" in request.POST:
        return _reset(request, gateway, back)
    form = AdvanceForm(request.POST or None)

    def act(given: dict[str, Any]) -> str:
        by = timedelta(**{given["unit"]: given["amount"]})
        gateway_clock.advance(gateway, by=by, actor=actor_of(request))
        return f"The clock of {gateway} is now {shown(clock.now(gateway))}."

    return operate(
        request,
        form,
        act,
        title=f"Clock of {gateway}",
        button="Advance",
        second="Reset to real time",
        back=back,
        row=gateway,
        words=f"The clock is {shown(clock.now(gateway))}, {gateway.clock_offset} ahead of real time.",
    )


def _reset(request: HttpRequest, gateway: Gateway, back: str) -> HttpResponse:
    try:
        gateway_clock.come_back(gateway, actor=actor_of(request))
        messages.success(request, f"The clock of {gateway} shows real time.")
    except GatewayError as refusal:
        messages.error(request, " ".join(refusal.sentences))
    return redirect(back)
