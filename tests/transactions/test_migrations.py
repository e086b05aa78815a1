"""A renamed model: its rows, and all that refers to it, before and after."""

from io import StringIO

import pytest
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import Group, Permission, User
from django.contrib.contenttypes.models import ContentType
from django.core.management import call_command
from django.utils import timezone

from brokers.models import BrokerSession
from tests.migrating import as_of
from transactions.domain.corrections import as_kept, from_kept
from transactions.models import Batch, Transaction

BEFORE = "0009_login_urls_are_unique"
OLD_RIGHTS = ("view_settlement", "approve_settlement", "reconcile_order")
RENAMED = (
    ("gateway", "0007"),
    ("brokers", "0002"),
    ("simulator", "0003"),
    ("smallcases", "0004"),
    ("transactions", "0010"),
    ("tradebook", "0002"),
    ("webhooks", "0006"),
)


def last_release() -> None:
    """What that release's own `migrate` and console left: a type, rights of a group, and an entry of the log."""
    kind, _ = ContentType.objects.get_or_create(app_label="transactions", model="settlement")
    group = Group.objects.create(name="Night desk")
    for codename in OLD_RIGHTS:
        known = Permission.objects.filter(codename=codename, content_type__app_label="transactions")
        group.permissions.add(known.first() or Permission.objects.create(codename=codename, content_type=kind))
    asha = User.objects.create_user("asha")
    LogEntry.objects.create(user=asha, content_type=kind, object_id="7", object_repr="v1", action_flag=CHANGE)


@pytest.mark.django_db(transaction=True)
class TestOrderCorrection:
    def test_keeps_the_rights_of_groups_and_the_entries_of_the_log(self) -> None:
        with as_of("transactions", BEFORE):
            last_release()

        night_desk = Group.objects.get(name="Night desk")
        kind = ContentType.objects.get(app_label="transactions", model="ordercorrection")
        assert set(night_desk.permissions.values_list("codename", "name")) == {
            ("view_ordercorrection", "Can view order correction"),
            ("approve_correction", "Can approve corrections that another has proposed"),
            ("reconcile_order", "Can correct orders from the broker's tradebook"),
        }
        assert LogEntry.objects.get(object_id="7").content_type_id == kind.pk
        assert not ContentType.objects.filter(model="settlement").exists()

    def test_goes_back_and_comes_again_with_them(self) -> None:
        with as_of("transactions", BEFORE):
            last_release()
        once = set(Group.objects.get(name="Night desk").permissions.values_list("codename", "name"))
        with as_of("transactions", BEFORE):
            held = Permission.objects.filter(group__name="Night desk").values_list("codename", flat=True)
            assert set(held) == set(OLD_RIGHTS)
            # The last release migrates once more, and makes what it misses.
            ContentType.objects.get_or_create(app_label="transactions", model="ordercorrection")

        assert set(Group.objects.get(name="Night desk").permissions.values_list("codename", "name")) == once
        assert LogEntry.objects.get(object_id="7").get_admin_url() == "/admin/transactions/ordercorrection/7/change/"

    @pytest.mark.parametrize(("app", "number"), RENAMED)
    def test_touches_no_table(self, app: str, number: str) -> None:
        printed = StringIO()
        call_command("sqlmigrate", app, number, stdout=printed)

        statements = [line for line in printed.getvalue().splitlines() if line and not line.startswith("--")]
        assert not [line for line in statements if "TABLE" in line or line.startswith("UPDATE")]

    def test_reads_what_the_last_release_kept_of_an_order(self) -> None:
        kept = {
            "status": "PARTIAL",
            "quantity": 10,
            "filled_quantity": 4,
            "average_price": "1512.4050",
            "exchange_order_id": "1100000000000001",
            "error_code": None,
            "status_message": None,
            "silent_since": None,
            "cancel_wished": False,
        }

        assert as_kept(from_kept(kept)) == {key: value for key, value in kept.items() if key != "silent_since"}


@pytest.mark.django_db(transaction=True)
class TestBrokersOfBatches:
    def test_are_those_of_their_accounts(self) -> None:
        with as_of("transactions", "0010_order_corrections") as old:
            moments = dict.fromkeys(("created_at", "updated_at", "expires_at"), timezone.now())
            gateway = old.get_model("gateway", "Gateway").objects.create(name="acme", created_at=moments["created_at"])
            for number, broker in enumerate(["kite", "dhan"]):
                account = gateway.accounts.create(
                    auth_id=f"{number:024}", broker=broker, client_id="one", created_at=moments["created_at"]
                )
                transaction = old.get_model("transactions", "Transaction").objects.create(
                    transaction_id=f"TRX_{number}", gateway=gateway, account=account, status="PROCESSING", **moments
                )
                old.get_model("transactions", "Batch").objects.create(
                    batch_id=f"{number:024}",
                    gateway=gateway,
                    transaction=transaction,
                    account=account,
                    due_at=moments["created_at"],
                    leased_until=moments["created_at"],
                    created_at=moments["created_at"],
                )

        assert list(Batch.objects.order_by("pk").values_list("broker", flat=True)) == ["kite", "dhan"]


@pytest.mark.django_db(transaction=True)
class TestSessionsOfAccounts:
    def test_are_copied_from_the_newest_open_login_and_lost_orders_are_due_once_more(self) -> None:
        now = timezone.now()
        moments = dict.fromkeys(("created_at", "updated_at", "expires_at"), now)
        with as_of("transactions", "0013_due_batches_by_link") as old:
            gateway = old.get_model("gateway", "Gateway").objects.create(name="acme", created_at=now)
            account = gateway.accounts.create(auth_id="0" * 24, broker="kite", client_id="one", created_at=now)
            logins = [("old", "PROCESSING"), ("new", "PROCESSING"), ("done", "COMPLETED"), ("", "INITIALIZED")]
            for number, (token, status) in enumerate(logins):
                done = now if status == "COMPLETED" else None
                transaction = old.get_model("transactions", "Transaction").objects.create(
                    transaction_id=f"TRX_{number}",
                    gateway=gateway,
                    account=account,
                    status=status,
                    encrypted_login=token,
                    completed_at=done,
                    **moments,
                )
                if done:
                    old.get_model("transactions", "Batch").objects.create(
                        batch_id="1" * 24,
                        gateway=gateway,
                        transaction=transaction,
                        account=account,
                        broker="kite",
                        status="ERROR",
                        placed_at=now,
                        created_at=now,
                        leased_until=now,
                    )

        assert [(one.encrypted_token, one.ended_at) for one in BrokerSession.objects.all()] == [("done", None)]
        assert [one.logged_in_at for one in Transaction.objects.order_by("pk")] == [now, now, now, None]
        assert Batch.objects.get().due_at is not None
