"""A gateway's name in any case, and a slash at the end: for every path that partners, pages and managers ask."""

import pytest
from django.db import IntegrityError
from django.db.transaction import atomic
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, resolve

from gateway.models import Gateway
from gateway.partners.credentials import NameTaken
from tests import make
from tests.partner import Answer, Partner

SAMPLES = {
    "<gateway:gateway>": "My_Shop",
    "<trx:transaction_id>": "TRX_" + "0" * 32,
    "<object:batch_id>": "0" * 24,
    "<object:endpoint_id>": "0" * 24,
    "<symbol:ticker>": "INFY",
    "<symbol:tradingsymbol>": "INFY",
    "<scid:scid>": "SCNM_0001",
    "<broker>": "kite",
    "<event:event_id>": "",
    "<replay:key>": "",
}
API_PREFIXES = ("gateway/", "v1/", "sandbox/", "checkout/<gateway", "manager/")


def routes(of: URLResolver, before: str = "") -> list[str]:
    found: list[str] = []
    for one in of.url_patterns:
        route = before + str(one.pattern)
        found += routes(one, route) if isinstance(one, URLResolver) else [route] if isinstance(one, URLPattern) else []
    return found


def paths() -> list[str]:
    """One of every route of an API, those with an event's id aside."""
    chosen = [route for route in routes(get_resolver()) if route.startswith(API_PREFIXES)]
    for name, value in SAMPLES.items():
        chosen = [route.replace(name, value) for route in chosen if value or name not in route]
    return [f"/{route}" for route in chosen]


class TestEveryPath:
    def test_is_known(self) -> None:
        assert len(paths()) > 25
        assert not [path for path in paths() if "<" in path]

    @pytest.mark.parametrize("path", paths())
    def test_names_the_gateway_in_lower_case_to_its_view(self, path: str) -> None:
        assert resolve(path).kwargs.get("gateway", "my_shop") == "my_shop"

    @pytest.mark.parametrize("path", paths())
    def test_answers_the_same_with_a_slash_at_its_end(self, db: None, path: str) -> None:
        client = Client(raise_request_exception=False)

        plain, slashed = (client.post(one, b"{}", content_type="application/json") for one in (path, f"{path}/"))

        assert plain.status_code in {401, 404}
        assert (slashed.status_code, slashed.json()) == (plain.status_code, plain.json())
        assert plain.json()["errors"] != ["There is nothing at this path."]

    @pytest.mark.parametrize("path", ["/healthz/", "/scdk/2.0.0/scdk.js/"])
    def test_of_others_as_well(self, path: str) -> None:
        assert Client().get(path).status_code == 200

    @pytest.mark.parametrize("path", ["/healthz//", "/v1/demo/engine//", "/nothing/", "/"])
    def test_is_nothing_else(self, path: str) -> None:
        assert Client(raise_request_exception=False).get(path).status_code == 404

    @pytest.mark.parametrize("path", ["/api/docs/", "/admin/login/"])
    def test_that_has_a_slash_of_its_own_keeps_it(self, db: None, path: str) -> None:
        assert Client().get(path).status_code == 200


class TestAName:
    def test_is_matched_without_regard_to_case(self, partner: Partner) -> None:
        made = make.credentials(name="Acme_Prod")
        acme = Partner("ACME_prod", made.api_secret, made.jwt_secret)

        answer = acme.call("POST", "/gateway/{gateway}/transaction/", {"intent": "CONNECT"})

        assert answer.status == 200
        details = acme.call(
            "GET", "/v1/{gateway}/engine/transactiondetails/", query={"transactionId": answer.data["transactionId"]}
        )
        assert details.data["transactionDetails"]["gateway"] == made.gateway.name == "acme_prod"

    @pytest.mark.parametrize("name", ["acme_prod", "ACME_PROD", "Acme_Prod"])
    def test_is_taken_in_every_case(self, db: None, name: str) -> None:
        make.credentials(name="Acme_Prod")

        with pytest.raises(NameTaken):
            make.credentials(name=name)

    def test_is_in_no_row_in_upper_case(self, db: None) -> None:
        made = make.gateway()

        with pytest.raises(IntegrityError, match="gateway_names_are_lower_case"), atomic():
            Gateway.objects.filter(pk=made.pk).update(name="Acme")

    def test_is_one_key_however_it_is_spelt(self, partner: Partner) -> None:
        def ask(path: str) -> Answer:
            headers = partner.headers(**{"Idempotency-Key": "k"})
            return partner.call("POST", path, {"intent": "CONNECT"}, headers=headers)

        first, *others = (
            ask(path)
            for path in (
                f"/gateway/{partner.name}/transaction",
                f"/gateway/{partner.name.upper()}/transaction",
                f"/gateway/{partner.name}/transaction/",
            )
        )

        assert {(one.status, one.data["transactionId"]) for one in others} == {(200, first.data["transactionId"])}
