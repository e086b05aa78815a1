"""Every encrypted value moves to the newest key; nobody has to be named, and nobody has to stop."""

from collections.abc import Iterator
from threading import Thread
from time import monotonic, sleep
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.apps import apps
from django.db import connection
from django.db.transaction import atomic

from gateway.database.encryption import EncryptedField, decrypt, encrypt
from gateway.models import Gateway
from gateway.partners import reencryption
from gateway.partners.reencryption import EncryptedColumn, Reencrypted, encrypted_columns, reencrypt_column
from tests import make

OLD, NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()
API_SECRET = EncryptedColumn(Gateway, "encrypted_api_secret")


@pytest.fixture
def both_keys(db: None, settings: Any) -> Any:
    """The new one first; whatever is made in `encrypted_before` is encrypted with the old one."""
    settings.ENCRYPTION_KEYS = [OLD]
    return settings


def rotate(settings: Any) -> None:
    settings.ENCRYPTION_KEYS = [NEW, OLD]


def last(steps: Iterator[Reencrypted]) -> Reencrypted:
    return list(steps)[-1]


class TestSealedColumns:
    def test_are_those_whose_names_say_so(self) -> None:
        """A column of a secret is an EncryptedField, or `reencrypt_secrets` would pass it over."""
        named = {
            f"{model._meta.db_table}.{field.name}"
            for model in apps.get_models()
            for field in model._meta.get_fields()
            if field.name.startswith("encrypted_")
        }

        assert {str(column) for column in encrypted_columns()} == named
        assert len(named) == 10

    def test_are_text_for_migrations(self) -> None:
        assert EncryptedField().deconstruct()[1] == "django.db.models.TextField"


class TestReencryptColumn:
    def test_moves_each_value_in_steps(self, both_keys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(reencryption, "STEP", 2)
        secrets = [make.credentials().api_secret for _ in range(5)]
        rotate(both_keys)

        steps = [(step.read, step.reencrypted) for step in reencrypt_column(API_SECRET)]

        both_keys.ENCRYPTION_KEYS = [NEW]
        assert steps == [(2, 2), (4, 4), (5, 5)]
        assert [decrypt(row.encrypted_api_secret) for row in Gateway.objects.order_by("pk")] == secrets

    def test_goes_on_where_it_was_interrupted(self, both_keys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(reencryption, "STEP", 2)
        for _ in range(5):
            make.gateway()
        rotate(both_keys)
        next(reencrypt_column(API_SECRET))

        assert last(reencrypt_column(API_SECRET)) == Reencrypted(read=5, reencrypted=3)
        assert last(reencrypt_column(API_SECRET)) == Reencrypted(read=5, reencrypted=0)

    def test_leaves_alone_what_somebody_has_written_since(
        self, both_keys: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Between the reading and the writing of a step."""
        theirs, mine = make.gateway(), make.credentials()
        rotate(both_keys)
        changes, _ = reencryption._reencrypted(reencryption._values(API_SECRET, after=0))

        Gateway.objects.filter(pk=theirs.pk).update(encrypted_api_secret=encrypt("rotated meanwhile"))
        reencryption._replace(API_SECRET, changes)

        both_keys.ENCRYPTION_KEYS = [NEW]
        found = [decrypt(row.encrypted_api_secret) for row in Gateway.objects.order_by("pk")]
        assert found == ["rotated meanwhile", mine.api_secret]

    def test_passes_over_what_is_empty_and_names_what_no_key_opens(self, both_keys: Any) -> None:
        lost, found = make.gateway(), make.gateway()
        Gateway.objects.filter(pk=lost.pk).update(
            encrypted_api_secret=Fernet(Fernet.generate_key()).encrypt(b"x").decode()
        )
        rotate(both_keys)

        assert last(reencrypt_column(API_SECRET)) == Reencrypted(read=2, reencrypted=1, unopened=(lost.pk,))
        assert list(reencrypt_column(EncryptedColumn(Gateway, "encrypted_previous_api_secret"))) == []
        assert found.pk != lost.pk

    def test_needs_a_statement_for_reading_one_for_locking_and_one_for_writing(
        self, both_keys: Any, django_assert_num_queries: Any
    ) -> None:
        for _ in range(5):
            make.gateway()
        rotate(both_keys)

        with django_assert_num_queries(6):  # a savepoint's two, and one that finds no more
            last(reencrypt_column(API_SECRET))

    @pytest.mark.servers
    @pytest.mark.django_db(transaction=True)
    def test_locks_rows_in_the_order_of_their_keys(self, both_keys: Any) -> None:
        """Though they lie in another, so that no worker and it wait for each other."""
        first, second = make.gateway(), make.gateway()
        Gateway.objects.filter(pk=first.pk).update(is_test=True)  # PostgreSQL writes it again, behind the second
        rotate(both_keys)

        with atomic():
            Gateway.objects.select_for_update(no_key=True).get(pk=first.pk)
            rival = Thread(target=reseal_and_hang_up)
            rival.start()
            wait_for_a_waiter()
            Gateway.objects.select_for_update(no_key=True, nowait=True).get(pk=second.pk)
        rival.join()

        assert last(reencrypt_column(API_SECRET)) == Reencrypted(read=2, reencrypted=0)


def reseal_and_hang_up() -> None:
    try:
        last(reencrypt_column(API_SECRET))
    finally:
        connection.close()


def wait_for_a_waiter() -> None:
    """Until a connection to this database waits for a lock, ten seconds at most."""
    until = monotonic() + 10
    with connection.cursor() as cursor:
        while monotonic() < until:
            cursor.execute("SELECT 1 FROM pg_locks WHERE NOT granted")
            if cursor.fetchone():
                return
            sleep(0.01)
    raise AssertionError("Nobody waits for a lock.")
