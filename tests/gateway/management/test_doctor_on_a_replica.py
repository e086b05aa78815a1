"""The doctor may be sent to a read replica: it writes nothing."""

import pytest
from django.core.management import call_command
from django.db import InternalError, connection

from brokers.models import MarketDay

pytestmark = pytest.mark.servers


class TestTheDoctor:
    def test_looks_at_a_database_that_nobody_may_write_to(
        self, transactional_db: None, capsys: pytest.CaptureFixture[str]
    ) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET default_transaction_read_only = on")
        try:
            with pytest.raises(InternalError, match="read-only transaction"):
                MarketDay.objects.create(day="2026-11-21")
            call_command("doctor")
        finally:
            connection.close()

        assert "All invariants hold." in capsys.readouterr().out
