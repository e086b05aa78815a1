"""Actions on batches in the console."""

from datetime import datetime

import pytest
from django.contrib.auth.models import User
from django.test import Client

from tests import make
from transactions import admin
from transactions.models import Batch, Order

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("instruments")]


def test_no_more_are_marked_complete_at_once_than_somebody_can_mean(
    now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admin, "MOST_MARKED", 1)
    here = make.gateway()
    for _ in range(2):
        batch = make.queued_batch(gateway=here, now=now)
        Order.objects.filter(batch=batch).update(status="REJECTED")
    Batch.objects.update(status="UNFILLED", placed_at=now, completed_at=now, due_at=None)
    client = Client()
    client.force_login(User.objects.create_superuser("root"))
    wish = {"action": "mark_complete", "select_across": "1"}
    page = "/admin/transactions/batch/"

    answer = client.post(page, {**wish, "_selected_action": [batch.pk]}, follow=True)
    assert b"Select at most 1 batches" in answer.content
    assert set(Batch.objects.values_list("status", flat=True)) == {"UNFILLED"}

    client.post(page, {**wish, "select_across": "0", "_selected_action": [batch.pk]})
    assert Batch.objects.filter(status="MARKEDCOMPLETE").get() == batch
