"""Who there is: two test gateways, two users of the first, a live gateway, managers; and whatever can be theirs."""

from dataclasses import dataclass, field
from typing import Any, Final

from django.apps import apps
from django.contrib.auth.models import User
from django.db.models import Model

from brokers.models import Instrument
from gateway.models import Gateway
from gateway.partners import clock
from gateway.partners.credentials import retire, rotate
from smallcases.api.manager_tokens import issue_token
from tests import make
from tests.flows import stage
from tests.investor import Investor
from tests.partner import Partner
from tests.smallcases import shelf
from transactions.models import Transaction
from webhooks.delivery.endpoints import add_endpoint
from webhooks.events.replay import Span, start_replay
from webhooks.models import Event

RESTING: Final = ({"ticker": "INFY", "quantity": 10, "type": "BUY", "orderType": "LIMIT", "price": 990},)
BASKET: Final = ({"ticker": "INFY", "quantity": 10, "type": "BUY"},)
Rows = dict[str, list[dict[str, Any]]]
SCID: Final = "TEST_0001"


@dataclass(frozen=True, slots=True)
class Ids:
    """What a request may name, by the placeholder that stands for it in a row.

    `private` is what only its owner may see in an answer; `managed` is the smallcase that the manager manages.
    """

    by_name: dict[str, str]
    private: frozenset[str]
    managed: str = "SCNM_0001"

    def nobodys(self) -> "Ids":
        """Ids of the same form that name nothing."""
        return Ids({name: id_[:-8] + "0" * 8 for name, id_ in self.by_name.items()}, frozenset())


@dataclass(frozen=True, slots=True)
class Tenant:
    """A partner and one of its users, with a transaction to play, an open and a finished batch, and an investment."""

    partner: Partner
    user: Investor
    ids: Ids


@dataclass(frozen=True, slots=True)
class Retired:
    """Secrets that were a gateway's own, until they were retired."""

    api_secret: str
    jwt_secret: str


@dataclass(frozen=True, slots=True)
class Scene:
    """`mine` calls. `sibling` is another user of its gateway; `theirs` is another gateway."""

    mine: Tenant
    sibling: Tenant
    theirs: Tenant
    live: Partner
    retired: Retired
    managers: dict[str, str] = field(default_factory=dict)

    @property
    def secrets(self) -> Ids:
        """What nobody may see in an answer, not even its owner."""
        live, retired, tokens = self.live, self.retired, self.managers.values()
        known = [(one.api_secret, one.jwt_secret) for one in (self.mine.partner, self.theirs.partner, live, retired)]
        return Ids({}, frozenset([*(secret for pair in known for secret in pair), *tokens]))

    @property
    def owners(self) -> tuple[Ids, ...]:
        return self.mine.ids, self.sibling.ids, self.theirs.ids, self.secrets


def scene() -> Scene:
    """Needs a queue that answers at once."""
    make.smallcase(scid=SCID)
    ours, retired = _rotated(make.partner())
    return Scene(
        mine=_tenant(ours, "happy-mine"),
        sibling=_tenant(ours, "happy-sibling"),
        theirs=_tenant(make.partner(), "happy-theirs"),
        live=make.partner(is_test=False),
        retired=retired,
        managers=_managers(),
    )


def rows() -> Rows:
    """Every row that a request could write."""
    return {model.__name__: list(model._default_manager.order_by("pk").values()) for model in _models()}


def rows_of(gateway: str) -> Rows:
    """Those that name the gateway they belong to, and itself."""
    named = [model for model in _models() if any(found.name == "gateway" for found in model._meta.get_fields())]
    theirs: Rows = {
        model.__name__: list(model._default_manager.filter(gateway__name=gateway).order_by("pk").values())
        for model in named
    }
    theirs["Gateway"] = [dict(row) for row in Gateway.objects.filter(name=gateway).values()]
    return theirs


def tables() -> list[str]:
    models: list[type[Model]] = [*_models(), Instrument, User]
    return [model._meta.db_table for model in models]


def _models() -> list[type[Model]]:
    """Those of our own apps, and the managers' tokens; without the instruments, which no request writes."""
    found = [model for model in apps.get_models() if not model._meta.app_config.name.startswith("django.")]
    return [model for model in found if model is not Instrument and not model._meta.proxy]


def _tenant(partner: Partner, client_id: str) -> Tenant:
    user = Investor(partner, client_id=client_id)
    bought = partner.call("GET", "/v1/{gateway}/engine/orders/smt", query={"iscid": user.iscid}).data[0]
    open_batch = stage.placed(partner, client_id, RESTING)
    done = stage.later(partner, stage.placed(partner, client_id, BASKET), "PT5S")
    imported = partner.complete(user.errand("HOLDINGS_IMPORT"), client_id)
    assert (done["status"], imported.status) == ("COMPLETED", 200)
    notes = f"the notes of {client_id}"
    names = {
        "transaction_id": partner.create(BASKET, auth_id=user.auth_id, notes=notes),
        "finished_transaction_id": done["transactionId"],
        "batch_id": open_batch["batchId"],
        "smallcase_batch_id": bought["batchId"],
        "iscid": user.iscid,
    }
    told = _told(partner, user) | _checkout(partner, user)
    private = {*names.values(), done["batchId"], user.auth_id, client_id, notes, *told.values()}
    everyones = {"endpoint_id": _endpoint(partner)}  # its users' alike
    return Tenant(partner, user, Ids(names | told | everyones, frozenset(private)))


def _told(partner: Partner, user: Investor) -> dict[str, str]:
    """An event about the user, and a replay that the user asked for."""
    gateway, now = Gateway.objects.get(name=partner.name), clock.wall()
    event = Event.objects.filter(gateway=gateway, auth_id=user.auth_id).latest("pk")
    replay = start_replay(gateway=gateway, span=Span(since=now), auth_id=user.auth_id, now=now)
    return {"event_id": event.key, "key": replay.key}


def _checkout(partner: Partner, user: Investor) -> dict[str, str]:
    """One that the user has open."""
    Gateway.objects.filter(name=partner.name).update(allowed_origins=[make.SHOP])
    made = Transaction.objects.get(transaction_id=partner.create(BASKET, auth_id=user.auth_id))
    session, _ = make.session(transaction=made, now=clock.wall())
    return {"session_id": session.session_id}


def _endpoint(partner: Partner) -> str:
    """Nobody listens there. Made when all has happened, so that nothing was sent to it."""
    gateway = Gateway.objects.get(name=partner.name)
    found = gateway.endpoints.first()
    made = found or add_endpoint(gateway=gateway, url="http://127.0.0.1:9/hooks", now=clock.wall()).endpoint
    return made.public_id


def _rotated(partner: Partner) -> tuple[Partner, Retired]:
    gateway = Gateway.objects.get(name=partner.name)
    before = Retired(partner.api_secret, partner.jwt_secret)
    partner.api_secret, partner.jwt_secret = rotate(gateway, kind="api"), rotate(gateway, kind="jwt")
    retire(gateway, kind="api")
    retire(gateway, kind="jwt")
    return partner, before


def _managers() -> dict[str, str]:
    """Tokens, by who holds them."""
    shelf.smallcase(manager=shelf.manager("meera").username)
    users = {
        "their own": User.objects.get(username="meera"),
        "another manager": shelf.manager("ravi"),
        "without permission": shelf.manager("anna", may_publish=False),
        "left": User.objects.create_user("gone", is_active=False, is_superuser=True),
    }
    return {who: issue_token(user=user) for who, user in users.items()}
