"""What an operator's browser could be made to ask of the console."""

import pytest
from django.contrib.auth.models import User
from django.test import Client

from tests import make


@pytest.fixture
def operator(db: None) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(User.objects.create_superuser("root"))
    return client


class TestAQuery:
    @pytest.mark.parametrize(
        "query",
        ["status=%00", "q=a%00b", "x%00=1", "gateway__id__exact=1&status=%00", "_to_field=", "p=%00&_popup=1"],
    )
    def test_that_cannot_be_asked_is_refused(self, operator: Client, query: str) -> None:
        response = operator.get(f"/admin/transactions/batch/?{query}")

        assert (response.status_code, response["Content-Type"]) == (400, "text/html; charset=utf-8")

    def test_that_cannot_be_asked_of_one_row_is_refused(self, operator: Client) -> None:
        here = make.gateway()

        assert operator.get(f"/admin/gateway/gateway/{here.pk}/change/?_to_field=").status_code == 400

    @pytest.mark.parametrize("query", ["status=PLACED", "q=%F0%9F%98%80", "o=1.2", "p=0", "_to_field=id"])
    def test_that_can_is_answered(self, operator: Client, query: str) -> None:
        assert operator.get(f"/admin/transactions/batch/?{query}").status_code in {200, 302}

    def test_of_the_api_is_not_the_consoles_business(self, operator: Client) -> None:
        assert operator.get("/healthz?x=%00").status_code == 200
