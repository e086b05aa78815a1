"""The console's pages that add an endpoint, change its URL and its subscription, each with its own permission."""

from typing import Any, Final

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse

from gateway.console.read_only_admin import actor_of
from gateway.console.row_actions import form_page, operate, require
from gateway.console.secret_rotation import secret_page
from gateway.models import Gateway
from gateway.partners import clock
from gateway.values.errors import GatewayError
from webhooks.delivery.endpoints import LONGEST_URL, add_endpoint, move, subscribe
from webhooks.delivery.retry import Plan
from webhooks.events.event_types import DEFAULT_TYPES, EventType
from webhooks.models import Endpoint

ADDS: Final = "webhooks.add_endpoint"
MOVES: Final = "webhooks.move_endpoint"
SUBSCRIBES: Final = "webhooks.subscribe_endpoint"


class UrlForm(forms.Form):
    url = forms.CharField(label="URL", max_length=LONGEST_URL, widget=forms.TextInput({"size": 60}))


class SubscriptionForm(forms.Form):
    types = forms.MultipleChoiceField(
        label="Event types",
        choices=[(kind.value, kind.value) for kind in EventType],
        widget=forms.CheckboxSelectMultiple,
    )
    plan = forms.ChoiceField(
        label="Retry plan",
        choices=[(plan.value, plan.value) for plan in Plan],
        help_text="standard: nine retries in three days; gateway: retries after 15 min, 24 h and 48 h.",
    )

    def subscription(self) -> dict[str, Any]:
        given = self.cleaned_data
        return {"types": [EventType(kind) for kind in given["types"]], "plan": Plan(given["plan"])}


class NewForm(SubscriptionForm, UrlForm):
    field_order = ("url", "types", "plan")


def new(request: HttpRequest, pk: int) -> HttpResponse:
    """Adds an endpoint. Only the response to this request shows the signing secret."""
    require(request, ADDS)
    gateway = get_object_or_404(Gateway, pk=pk)
    back = reverse("admin:gateway_gateway_change", args=[pk])
    form = NewForm(request.POST or None, initial={"types": [kind.value for kind in DEFAULT_TYPES]})
    if request.method == "POST" and form.is_valid():
        try:
            made = add_endpoint(
                gateway=gateway,
                url=form.cleaned_data["url"],
                now=clock.now(gateway),
                by=actor_of(request),
                **form.subscription(),
            )
        except GatewayError as refusal:
            form.add_error("url", " ".join(refusal.sentences))
        else:
            title, next_page = f"Signing secret of {made.endpoint}", _page_of(made.endpoint)
            return secret_page(request, title=title, secret=made.secret, back=next_page, is_first=True)
    return form_page(request, form, title="Add an endpoint", button="Add", back=back, row=gateway)


def arrange_url(request: HttpRequest, pk: int) -> HttpResponse:
    require(request, MOVES)
    endpoint = _endpoint(pk)
    form = UrlForm(request.POST or None, initial={"url": endpoint.url})

    def act(given: dict[str, Any]) -> str:
        move(endpoint, url=given["url"], by=actor_of(request))
        return f"Pending and new deliveries go to {given['url']} from now on."

    title, back = "Change the endpoint's URL", _page_of(endpoint)
    return operate(request, form, act, title=title, button="Change URL", back=back, row=endpoint)


def arrange_subscription(request: HttpRequest, pk: int) -> HttpResponse:
    require(request, SUBSCRIBES)
    endpoint = _endpoint(pk)
    form = SubscriptionForm(request.POST or None, initial={"types": endpoint.types, "plan": endpoint.plan})

    def act(_: dict[str, Any]) -> str:
        subscribe(endpoint, by=actor_of(request), **form.subscription())
        return "Subscription changed."

    title, back = "Change the subscription", _page_of(endpoint)
    return operate(request, form, act, title=title, button="Change", back=back, row=endpoint)


def _endpoint(pk: int) -> Endpoint:
    return get_object_or_404(Endpoint.objects.select_related("gateway"), pk=pk)


def _page_of(endpoint: Endpoint) -> str:
    return reverse("admin:webhooks_endpoint_change", args=[endpoint.pk])
