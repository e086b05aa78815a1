from django.db import connection

from transactions.domain.statuses import OrderStatus
from transactions.models import Order
from transactions.queries.orders_tile import count_in_error


class TestOrdersInError:
    def test_are_counted_by_an_index_of_their_own(self, instruments: None, embedded: bool) -> None:
        in_error = Order.objects.filter(status=OrderStatus.ERROR).order_by("batch")
        with connection.cursor() as cursor:
            for step in () if embedded else ("enable_seqscan", "enable_sort"):
                cursor.execute(f"SET LOCAL {step} = off")

        assert "order_in_error" in in_error.explain()
        assert count_in_error() == 0
