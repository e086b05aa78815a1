from datetime import datetime

import pytest

from gateway.models import Gateway
from gateway.partners.authentication import api_secrets, jwt_secrets
from gateway.partners.credentials import Kind, NameTaken, create_gateway, retire, rotate
from gateway.values.errors import Conflict, Invalid
from tests import make

SECRETS = {"api": api_secrets, "jwt": jwt_secrets}


@pytest.fixture
def gateway(db: None) -> Gateway:
    return make.gateway()


def live(gateway: Gateway, kind: Kind) -> list[str]:
    return SECRETS[kind](Gateway.objects.get(pk=gateway.pk))


class TestCreateGateway:
    def test_shows_its_secrets_once_and_keeps_them_sealed(self, db: None, now: datetime) -> None:
        made = create_gateway(name="demo", is_test=True, allowed_origins=["https://shop.example"], now=now)

        row = Gateway.objects.get(name="demo")
        assert (api_secrets(row), jwt_secrets(row)) == ([made.api_secret], [made.jwt_secret])
        assert made.api_secret not in row.encrypted_api_secret
        assert made.api_secret != made.jwt_secret
        assert (row.is_test, row.allowed_origins, row.created_at) == (True, ["https://shop.example"], now)

    def test_makes_secrets_long_enough_for_hs256(self, db: None) -> None:
        made = make.credentials()

        assert [len(made.api_secret), len(made.jwt_secret)] == [43, 43]

    @pytest.mark.parametrize("name", ["", "a.b", "a b", "a" * 64, "-a", "_a", "\N{KELVIN SIGN}"])
    def test_refuses_a_name_that_is_no_segment(self, db: None, now: datetime, name: str) -> None:
        with pytest.raises(Invalid):
            create_gateway(name=name, is_test=True, allowed_origins=[], now=now)

        assert not Gateway.objects.exists()

    def test_refuses_a_name_that_is_taken(self, gateway: Gateway) -> None:
        with pytest.raises(NameTaken):
            make.credentials(name=gateway.name, is_test=False)

        assert Gateway.objects.get().is_test


@pytest.mark.parametrize("kind", ["api", "jwt"])
class TestARotation:
    def test_accepts_both(self, gateway: Gateway, kind: Kind) -> None:
        (old,) = live(gateway, kind)

        new = rotate(gateway, kind=kind)

        assert live(gateway, kind) == [new, old]

    def test_leaves_the_other_kind_alone(self, gateway: Gateway, kind: Kind) -> None:
        rotate(gateway, kind=kind)

        assert sorted([len(live(gateway, "api")), len(live(gateway, "jwt"))]) == [1, 2]

    def test_is_over_with_the_retirement(self, gateway: Gateway, kind: Kind) -> None:
        new = rotate(gateway, kind=kind)

        retire(gateway, kind=kind)
        retire(gateway, kind=kind)

        assert live(gateway, kind) == [new]

    def test_is_refused_before_the_retirement(self, gateway: Gateway, kind: Kind) -> None:
        rotate(gateway, kind=kind)
        before = live(gateway, kind)

        with pytest.raises(Conflict, match="retire it first"):
            rotate(gateway, kind=kind)

        assert live(gateway, kind) == before

    def test_may_follow_the_retirement(self, gateway: Gateway, kind: Kind) -> None:
        first = rotate(gateway, kind=kind)
        retire(gateway, kind=kind)

        second = rotate(gateway, kind=kind)

        assert live(gateway, kind) == [second, first]
