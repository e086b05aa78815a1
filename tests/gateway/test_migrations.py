"""Rows that an older release wrote."""

import pytest
from django.utils import timezone

from tests.migrating import as_of, migrate


class TestGatewayNamesAreLowerCase:
    def test_changes_a_name_with_capitals(self, transactional_db: None) -> None:
        with as_of("gateway", "0005_console_permissions") as old:
            gateways = old.get_model("gateway", "Gateway").objects
            for name in ("Acme", "other"):
                gateways.create(name=name, sealed_api_secret="x", sealed_jwt_secret="x", created_at=timezone.now())

            migrate()

            assert set(gateways.values_list("name", flat=True)) == {"acme", "other"}

    def test_stops_at_two_names_that_differ_in_case(self, transactional_db: None) -> None:
        with as_of("gateway", "0005_console_permissions") as old:
            gateways = old.get_model("gateway", "Gateway").objects
            for name in ("Acme", "acme"):
                gateways.create(name=name, sealed_api_secret="x", sealed_jwt_secret="x", created_at=timezone.now())

            with pytest.raises(ValueError, match=r"Rename, then migrate again: Acme, acme\.$"):
                migrate()

            assert set(gateways.values_list("name", flat=True)) == {"Acme", "acme"}
            gateways.filter(name="Acme").delete()
