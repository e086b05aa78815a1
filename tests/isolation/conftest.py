"""The scene is set once for a file: what its tests see refused writes nothing, and the rest is rolled back."""

from collections.abc import Iterator
from typing import Any

import pytest
from celery import current_app
from django.core.management.color import no_style
from django.db import connection

from brokers.management.commands.load_instruments import SHIPPED
from brokers.market.instrument_files import load, read_instruments
from tests.isolation.scene import Scene, scene, tables


@pytest.fixture(scope="module")
def _set(django_db_setup: None, django_db_blocker: Any) -> Iterator[Scene]:
    with django_db_blocker.unblock():
        current_app.conf.update(task_always_eager=True, task_eager_propagates=True, broker_url="memory://")
        try:
            load(read_instruments(SHIPPED).instruments)
            yield scene()
        finally:
            current_app.conf.task_always_eager = False
            connection.ops.execute_sql_flush(connection.ops.sql_flush(no_style(), tables(), allow_cascade=True))


@pytest.fixture
def there(_set: Scene, db: None) -> Scene:
    return _set
