"""A gateway with data, and the credentials for all its APIs."""

import os
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

import schemathesis

from gateway.values.tokens import connected_token, guest_token
from tests.fuzz.known import Known
from tests.processes import stack
from tests.processes.stack import Stack
from tests.processes.wire import DistantPartner

SCID: Final = "SCNM_0011"
RESTING: Final = ({"ticker": "INFY", "quantity": 10, "type": "BUY", "orderType": "LIMIT", "price": 990},)
# A superuser, its token for the manager API, its session in the console, and the console's lists.
OPERATOR: Final = """
from django.contrib import admin
from django.contrib.auth import SESSION_KEY, BACKEND_SESSION_KEY, HASH_SESSION_KEY
from django.contrib.auth.models import User
from django.contrib.sessions.backends.db import SessionStore
from smallcases.api.manager_tokens import issue_token
root = User.objects.create_superuser("{name}")
store = SessionStore()
store[SESSION_KEY], store[BACKEND_SESSION_KEY] = str(root.pk), "django.contrib.auth.backends.ModelBackend"
store[HASH_SESSION_KEY] = root.get_session_auth_hash()
store.save()
admin.autodiscover()
print(issue_token(user=root), store.session_key)
print(*(f"/admin/{{m._meta.app_label}}/{{m._meta.model_name}}/" for m in admin.site._registry))
"""


@dataclass(frozen=True, slots=True)
class Setting:
    known: Known
    partner: DistantPartner


def set_up(running: Stack, base: str, *, name: str, webhook_url: str) -> Setting:
    environment = running.processes.environment
    os.environ |= {"DJANGO_SETTINGS_MODULE": "gateway.settings", "VAR_DIR": environment["VAR_DIR"]}
    partner = stack.create_partner(name, webhook_url=webhook_url, base=base, environment=environment)
    told = stack.manage("shell", "-v0", "-c", OPERATOR.format(name=name), environment=environment).splitlines()
    (token, session), pages = told[-2].split(), told[-1].split()
    where = urlsplit(base)
    known = Known(
        host=str(where.hostname),
        port=int(where.port or 0),
        api_secret=partner.api_secret,
        guest=guest_token(partner.jwt_secret),
        manager=f"Token {token}",
        cookie=f"sessionid={session}",
        pages=tuple(pages),
        user="",
        ids={},
        **_documented(base),
    )
    restock(known, partner)
    return Setting(known, partner)


def restock(known: Known, partner: DistantPartner) -> None:
    """What a round has used up or reset is there again: the present, a user, something of everything."""
    _sandbox(partner, "clock", {"reset": True})
    _sandbox(partner, "market", {"hours": "always"})
    bought = partner.complete(partner.create_smallcase("BUY", scid=SCID), wait=20, amount=100_000)
    assert bought.status == 200, bought.body
    auth_id = str(partner.details(bought.data["transactionId"])["smallcaseAuthId"])
    (resting,) = partner.complete(partner.create(RESTING)).data["orderBatches"]
    known.user = connected_token(partner.jwt_secret, auth_id=auth_id)
    known.ids = {
        "gateway": partner.name,
        "ticker": "INFY",
        "tradingsymbol": "INFY",
        "broker": "dhan",  # not the one that everything else here asks: it would have the faults
        "scid": SCID,
        "transaction_id": partner.create(),
        "batch_id": resting["batchId"],
        "iscid": bought.data["iscid"],
        **_of_webhooks(partner),
    }


def _of_webhooks(partner: DistantPartner) -> dict[str, str]:
    webhooks = "/v1/{gateway}/engine/webhooks"
    event = partner.call("GET", f"{webhooks}/events").data["events"][0]
    replay = partner.call("POST", f"{webhooks}/replay", {"since": event["createdAt"]}).data
    endpoint = partner.call("GET", f"{webhooks}/endpoints").data[0]
    return {"event_id": event["eventId"], "key": replay["key"], "endpoint_id": endpoint["endpointId"]}


def _sandbox(partner: DistantPartner, what: str, body: dict[str, Any]) -> None:
    assert partner.call("POST", f"/sandbox/{{gateway}}/{what}", body).status == 200


def _documented(base: str) -> dict[str, tuple[Any, ...]]:
    """What the OpenAPI document names, so that a new operation is asked without more ado."""
    document = schemathesis.openapi.from_url(f"{base}/api/schema/").raw_schema
    operations = [(m.upper(), path, told) for path, methods in document["paths"].items() for m, told in methods.items()]
    shapes = document["components"]["schemas"].values()
    return {
        "endpoints": tuple((method, path) for method, path, _ in operations if not path.endswith("/reset")),
        "fields": tuple(sorted({name for shape in shapes for name in shape.get("properties", ())})),
        "queries": tuple(sorted({one["name"] for *_, told in operations for one in told.get("parameters", ())})),
    }
