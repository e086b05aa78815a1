"""Each statement finds what the equivalent queryset finds."""

from datetime import timedelta

import pytest

from gateway.models import Account, Gateway
from gateway.partners import clock, sql
from gateway.values.ids import new_object_id
from tests import make
from tests.same_rows import loaded

HOSTILE = ("x' or 'a' = 'a", "%s", "%", '"', "\\", "é", "")


def account(gateway: Gateway) -> Account:
    return Account.objects.create(
        gateway=gateway, auth_id=new_object_id(), broker="kite", client_id="happy", created_at=clock.wall()
    )


@pytest.fixture
def two(db: None) -> list[Gateway]:
    """The second with other values in every column that may be null, or have any."""
    first, second = make.gateway(), make.gateway()
    Gateway.objects.filter(pk=second.pk).update(
        encrypted_previous_api_secret="sealed",
        allowed_origins=["https://a.example"],
        clock_offset=timedelta(days=3, microseconds=7),
    )
    return list(Gateway.objects.filter(pk__in=[first.pk, second.pk]).order_by("pk"))


class TestGatewayNamed:
    def test_is_the_querysets(self, two: list[Gateway]) -> None:
        assert [loaded(sql.gateway_named(one.name)) for one in two] == [loaded(one) for one in two]

    @pytest.mark.parametrize("name", HOSTILE)
    def test_takes_a_name_for_nothing_but_a_name(self, two: list[Gateway], name: str) -> None:
        assert sql.gateway_named(name) is None


class TestAccountAt:
    def test_is_the_querysets_with_its_gateway(self, two: list[Gateway]) -> None:
        for gateway in two:
            mine = account(gateway)
            found = sql.account_at(gateway.name, mine.auth_id)
            expected = Account.objects.select_related("gateway").get(gateway__name=gateway.name, auth_id=mine.auth_id)

            assert found
            assert (loaded(found), loaded(found.gateway)) == (loaded(expected), loaded(expected.gateway))

    def test_is_none_of_another_gateway(self, two: list[Gateway]) -> None:
        assert sql.account_at(two[0].name, account(two[1]).auth_id) is None

    @pytest.mark.parametrize("auth_id", HOSTILE)
    def test_takes_an_id_for_nothing_but_an_id(self, two: list[Gateway], auth_id: str) -> None:
        account(two[0])

        assert sql.account_at(two[0].name, auth_id) is None


class TestClockOffsets:
    def test_are_those_of_gateways_ahead(self, two: list[Gateway]) -> None:
        ahead = Gateway.objects.filter(clock_offset__gt=timedelta(0)).values_list("pk", "clock_offset")

        assert sql.clock_offsets() == list(ahead) == [(two[1].pk, timedelta(days=3, microseconds=7))]
