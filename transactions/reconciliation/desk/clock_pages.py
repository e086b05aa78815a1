"""The clock of a test gateway in the console."""

from datetime import timedelta
from typing import Any, Final

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse

from gateway.console.read_only_admin import actor_of
from gateway.console.row_actions import done, form_page, require
from gateway.models import Gateway
from gateway.partners import clock
from gateway.values.errors import GatewayError
from transactions.execution import gateway_clock

MOVES: Final = "gateway.move_clock"
MOST: Final = 1_000_000  # of any unit; the clock itself knows how far it goes


class AdvanceForm(forms.Form):
    amount = forms.IntegerField(label="Forward by", min_value=1, max_value=MOST, initial=15)
    unit = forms.ChoiceField(choices=[(unit, unit) for unit in ("minutes", "hours", "days")])


def move(request: HttpRequest, pk: int) -> HttpResponse:
    """`act` advances it, `second` brings it back to the wall's; live gateways have no clock of their own."""
    require(request, MOVES)
    gateway = get_object_or_404(Gateway, pk=pk, is_test=True)
    back = reverse("admin:gateway_gateway_change", args=[pk])
    if request.method == "POST" and "second" in request.POST:
        return _reset(request, gateway, back)
    form = AdvanceForm(request.POST or None)

    def act(given: dict[str, Any]) -> str:
        by = timedelta(**{given["unit"]: given["amount"]})
        gateway_clock.advance(gateway, by=by, actor=actor_of(request))
        return f"The clock of {gateway} shows {clock.now(gateway):%Y-%m-%d %H:%M:%S} UTC."

    return done(request, form, act, back=back) or form_page(
        request,
        form,
        title=f"Clock of {gateway}",
        button="Advance",
        second="Reset to the present",
        back=back,
        row=gateway,
        words=f"It shows {clock.now(gateway):%Y-%m-%d %H:%M:%S} UTC, {gateway.clock_offset} ahead of the wall.",
    )


def _reset(request: HttpRequest, gateway: Gateway, back: str) -> HttpResponse:
    try:
        gateway_clock.come_back(gateway, actor=actor_of(request))
        messages.success(request, f"The clock of {gateway} shows the present.")
    except GatewayError as refusal:
        messages.error(request, " ".join(refusal.sentences))
    return redirect(back)
