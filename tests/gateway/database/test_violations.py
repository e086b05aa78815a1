from collections.abc import Callable
from datetime import datetime

import pytest
from django.db import IntegrityError
from django.db.transaction import atomic

from gateway.database.violations import violated_constraint
from gateway.partners.credentials import Credentials
from tests import make
from transactions.models import Batch, Order


def second_open_batch(batch: Batch) -> None:
    version = make.smallcase().versions.get()
    Batch.objects.filter(gateway=batch.gateway).update(iscid="c" * 24, label="BUY", version=version)


def second_order_at_a_position(batch: Batch) -> None:
    Order.objects.create(batch=batch, position=0, ticker="INFY", side="BUY", quantity=1)


def order_of_nothing(batch: Batch) -> None:
    Order.objects.create(batch=batch, position=9, ticker="INFY", side="BUY", quantity=0)


def order_with_a_known_ref(batch: Batch) -> None:
    Order.objects.create(batch=batch, position=9, ticker="INFY", side="BUY", quantity=1, ref=make.orders(batch)[0].ref)


@pytest.mark.django_db
class TestViolatedConstraint:
    @pytest.mark.parametrize(
        ("violate", "name"),
        [
            (second_open_batch, "one_open_batch_per_investment"),
            (second_order_at_a_position, "one_order_per_position"),
            (order_of_nothing, "quantity_in_bounds"),
        ],
    )
    def test_is_told_by_its_name(
        self, credentials: Credentials, now: datetime, violate: Callable[[Batch], None], name: str
    ) -> None:
        assert self.violated(credentials, now, violate) == name

    def test_without_a_name_of_ours_is_no_other(self, credentials: Credentials, now: datetime) -> None:
        """SQLite names the column alone; PostgreSQL has a name of Django's making."""
        named = self.violated(credentials, now, order_with_a_known_ref)

        assert named == "" or named.startswith("transactions_order_ref")

    def violated(self, credentials: Credentials, now: datetime, violate: Callable[[Batch], None]) -> str:
        make.queued_batch(gateway=credentials.gateway, client_id="happy-2", now=now)
        batch = make.queued_batch(gateway=credentials.gateway, now=now)
        with pytest.raises(IntegrityError) as error, atomic():
            violate(batch)
        return violated_constraint(error.value)
