"""The trail of what people did: nobody changes it, and nobody changes it unseen."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from importlib import import_module
from io import StringIO
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection
from django.db.models import F
from django.db.transaction import atomic, set_rollback

from gateway.audit import trail
from gateway.models import AuditEntry, AuditHead

append_only = import_module("gateway.migrations.0003_audit_trail")


def write(now: datetime, *acts: str) -> None:
    for act in acts:
        trail.record(by=None, act=act, subject="gateway demo", before={}, after={"name": act}, now=now)


@pytest.fixture
def five(db: None, now: datetime) -> None:
    write(now, "one", "two", "three", "four", "five")


@pytest.fixture
def guarded(five: None) -> None:
    """The triggers, as a migration puts them up; the test's own transaction takes them away again."""
    with connection.cursor() as cursor:
        for statement in append_only.POSTGRESQL if connection.vendor == "postgresql" else append_only.SQLITE:
            cursor.execute(statement)


class TestRecord:
    def test_says_who_what_when_and_from_where(self, db: None, now: datetime) -> None:
        asha = User.objects.create_user("asha")

        trail.record(
            by=asha,
            act="disable",
            subject="endpoint 7",
            before={"enabled": True},
            after={"enabled": False},
            reason="It is gone.",
            address="192.0.2.7",
            now=now,
        )

        entry = AuditEntry.objects.get()
        assert (entry.number, entry.at, entry.by_id, entry.by_name) == (1, now, asha.pk, "asha")
        assert (entry.act, entry.subject, entry.reason) == ("disable", "endpoint 7", "It is gone.")
        assert (entry.before, entry.after, entry.address) == ('{"enabled":true}', '{"enabled":false}', "192.0.2.7")

    def test_is_undone_with_what_it_records(self, db: None, now: datetime) -> None:
        with atomic():
            write(now, "never")
            set_rollback(True)

        assert not AuditEntry.objects.exists()
        write(now, "first")
        assert trail.verify() == trail.Verdict(1, str(AuditHead.objects.get()))

    def test_outlives_the_user(self, db: None, now: datetime) -> None:
        asha = User.objects.create_user("asha")
        trail.record(by=asha, act="x", subject="y", before={}, after={}, now=now)

        asha.delete()

        assert AuditEntry.objects.get().by_name == "asha"
        assert trail.verify().broken is None

    @pytest.mark.parametrize(
        "name", ["api_secret", "PASSWORD", "smallcaseAuthToken", "encrypted_jwt_secret", "pin", "key"]
    )
    def test_never_holds_a_secret(self, db: None, now: datetime, name: str) -> None:
        trail.record(by=None, act="x", subject="y", before={"deep": [{name: "hunter2"}]}, after={}, now=now)

        assert json.loads(AuditEntry.objects.get().before) == {"deep": [{name: "(withheld)"}]}

    def test_takes_whatever_somebody_typed(self, db: None, now: datetime) -> None:
        hostile = "a\0b\ud800" + "c" * 100_000

        trail.record(
            by=None, act=hostile, subject=hostile, before={hostile: hostile}, after={}, reason=hostile, now=now
        )

        entry = AuditEntry.objects.get()
        assert (len(entry.subject), entry.subject[:5]) == (200, "a\N{REPLACEMENT CHARACTER}b\N{REPLACEMENT CHARACTER}c")
        assert json.loads(entry.before).keys() == {"tooLong", "sha256"}
        assert trail.verify().broken is None

    def test_tells_the_log_how_far_the_trail_goes(
        self, db: None, now: datetime, caplog: Any, django_capture_on_commit_callbacks: Any
    ) -> None:
        caplog.set_level("INFO", "gateway.audit")
        with django_capture_on_commit_callbacks(execute=True):
            write(now, "one")

        assert caplog.messages == [f"Audit entry 1: one, {AuditEntry.objects.get().digest}"]

    def test_asks_the_same_of_a_long_trail(self, five: None, now: datetime, django_assert_num_queries: Any) -> None:
        with django_assert_num_queries(3):
            write(now, "six")


class TestTheDatabase:
    @pytest.mark.parametrize(
        "statement",
        [
            "UPDATE gateway_auditentry SET act = 'nothing' WHERE number = 3",
            "DELETE FROM gateway_auditentry WHERE number = 5",
            "UPDATE gateway_audithead SET number = 4",
            "UPDATE gateway_audithead SET number = number",
            "DELETE FROM gateway_audithead",
        ],
    )
    def test_refuses_what_is_not_an_addition(self, guarded: None, statement: str) -> None:
        with pytest.raises(DatabaseError, match="append-only"), atomic(), connection.cursor() as cursor:
            cursor.execute(statement)

    def test_refuses_to_be_emptied_or_written_over(self, guarded: None) -> None:
        over = "INSERT OR REPLACE INTO gateway_auditentry SELECT * FROM gateway_auditentry WHERE number = 2"
        statement = "TRUNCATE gateway_auditentry" if connection.vendor == "postgresql" else over

        with pytest.raises(DatabaseError, match="append-only"), atomic(), connection.cursor() as cursor:
            cursor.execute(statement)

    def test_takes_the_next_entry(self, guarded: None, now: datetime) -> None:
        write(now, "six")

        assert trail.verify().entries == 6


def broken() -> str:
    with pytest.raises(CommandError) as refusal:
        call_command("verify_audit", stdout=StringIO())
    return str(refusal.value)


class TestVerifyAudit:
    def test_is_content_with_an_empty_trail(self, db: None) -> None:
        out = StringIO()
        call_command("verify_audit", stdout=out)

        assert out.getvalue() == "0 entries, unbroken.\nHead: 0:\n"

    def test_prints_the_head_to_be_kept(self, five: None) -> None:
        out = StringIO()
        call_command("verify_audit", stdout=out)

        assert out.getvalue() == f"5 entries, unbroken.\nHead: 5:{AuditEntry.objects.get(number=5).digest}\n"

    @pytest.mark.parametrize(
        "change",
        [
            {"act": "nothing"},
            {"by_name": "bob"},
            {"by_id": 7},
            {"before": '{"a":1}'},
            {"after": "{}"},
            {"reason": "because"},
            {"address": "192.0.2.9"},
            {"subject": "gateway live"},
            {"at": F("at") + timedelta(microseconds=1)},
            {"digest": "0" * 64},
        ],
    )
    def test_finds_what_was_edited(self, five: None, change: dict[str, Any]) -> None:
        AuditEntry.objects.filter(number=3).update(**change)

        assert broken().startswith("Changed: entry 3. Intact entries before it: 2. Next: ")

    def test_finds_what_was_edited_into_no_digest_at_all(self, five: None) -> None:
        AuditEntry.objects.filter(number=3).update(digest="é")

        assert broken().startswith("Changed: entry 3.")

    def test_finds_what_was_removed(self, five: None) -> None:
        AuditEntry.objects.filter(number__in=[2, 3]).delete()

        assert broken().startswith("Missing: entry 2. The next one is 4.")

    def test_finds_that_the_beginning_was_removed(self, five: None) -> None:
        AuditEntry.objects.filter(number=1).delete()

        assert broken().startswith("Missing: entry 1.")

    def test_finds_what_was_removed_and_closed_up(self, five: None) -> None:
        AuditEntry.objects.filter(number=2).delete()
        for number in (3, 4, 5):
            AuditEntry.objects.filter(number=number).update(number=number - 1)

        assert broken().startswith("Changed: entry 2.")

    def test_finds_what_was_inserted(self, five: None, now: datetime) -> None:
        for number in (5, 4, 3):
            AuditEntry.objects.filter(number=number).update(number=number + 1)
        forged = {"by_name": "bob", "act": "x", "subject": "y", "before": "{}", "after": "{}", "digest": "f" * 64}
        AuditEntry.objects.create(number=3, at=now, previous="e" * 64, **forged)

        assert broken().startswith("Inserted: entry 3.")

    def test_finds_what_was_reordered(self, five: None) -> None:
        for number, becomes in ((2, 99), (3, 2), (99, 3)):
            AuditEntry.objects.filter(number=number).update(number=becomes)

        assert broken().startswith("Inserted: entry 2.")

    def test_finds_that_the_end_was_cut_off(self, five: None) -> None:
        AuditEntry.objects.filter(number__gte=4).delete()

        assert broken().startswith("Truncated: entry 3 is the last, and entry 5 was written.")

    def test_finds_that_the_end_was_cut_off_and_the_head_made_to_fit(self, five: None) -> None:
        AuditEntry.objects.filter(number__gte=4).delete()
        third = AuditEntry.objects.get(number=3)
        AuditHead.objects.update(number=3, digest=third.digest)

        assert broken().startswith(f"Changed: the head, 3:{third.digest}.")

    def test_finds_that_all_was_put_back_by_the_head_that_was_kept(self, five: None, now: datetime) -> None:
        backup = AuditHead.objects.values("number", "digest", "signature").get()
        write(now, "six")
        kept = str(AuditHead.objects.get())
        AuditEntry.objects.filter(number=6).delete()
        AuditHead.objects.update(**backup)

        call_command("verify_audit", stdout=StringIO())
        with pytest.raises(CommandError, match="Truncated: entry 5 is the last, and entry 6 was written"):
            call_command("verify_audit", head=[(6, kept.partition(":")[2])], stdout=StringIO())

    def test_finds_that_the_chain_was_written_anew_with_the_key(self, five: None, now: datetime) -> None:
        kept = str(AuditHead.objects.get())
        AuditEntry.objects.all().delete()
        AuditHead.objects.all().delete()
        write(now, "a", "b", "c", "d", "e", "f")

        with pytest.raises(CommandError, match=r"Changed: entry 5\. Its digest differs"):
            call_command("verify_audit", head=[(5, kept.partition(":")[2])], stdout=StringIO())

    @pytest.mark.parametrize(
        ("number", "found"), [(2, "Changed: entry 2. Entry 3 follows another one."), (5, "Changed: entry 5. The head")]
    )
    def test_finds_an_entry_that_was_replaced_by_a_signed_one(self, five: None, number: int, found: str) -> None:
        entry = AuditEntry.objects.get(number=number)
        entry.act = "nothing"
        entry.digest = trail._digest(entry, settings.AUDIT_KEYS[0])
        AuditEntry.objects.filter(number=number).update(act=entry.act, digest=entry.digest)

        assert broken().startswith(found)

    def test_finds_that_the_head_was_removed(self, five: None) -> None:
        AuditHead.objects.all().delete()

        assert broken().startswith("Missing: the head. The last known entry is 5.")

    def test_finds_what_stands_behind_the_head(self, five: None, now: datetime) -> None:
        forged = {"by_name": "bob", "act": "x", "subject": "y", "before": "{}", "after": "{}", "digest": "f" * 64}
        AuditEntry.objects.create(number=6, at=now, previous="e" * 64, **forged)

        assert broken().startswith("Inserted: entry 6, after the head.")

    def test_knows_older_keys(self, five: None, now: datetime, settings: Any) -> None:
        settings.AUDIT_KEYS = ["a newer key than the other", *settings.AUDIT_KEYS]
        write(now, "six")
        assert trail.verify().entries == 6

        settings.AUDIT_KEYS = settings.AUDIT_KEYS[:1]
        assert broken().startswith("Changed: entry 1.")

    def test_knows_a_trail_that_an_earlier_release_wrote(self, db: None, now: datetime, settings: Any) -> None:
        """What is signed holds a name of its own, which no change of a module's name may change."""
        settings.AUDIT_KEYS = ["known to this test alone"]
        write(now, "one")

        head = AuditHead.objects.get()
        assert head.digest == "30ceb4f0836461b4c5d528b1bd03fb2362418cfd06443c93c3f23cba756f1dbe"
        assert head.signature == "0404fb1d63f500016d0bce0328405f0486d4210414622ca6604f8f850549252c"

    def test_asks_the_same_of_a_long_trail(self, five: None, django_assert_num_queries: Any) -> None:
        with django_assert_num_queries(2):
            trail.verify()

    def test_refuses_a_head_that_is_none(self) -> None:
        with pytest.raises(CommandError, match="NUMBER:DIGEST"):
            call_command("verify_audit", "--head", "17")


@pytest.mark.servers
@pytest.mark.django_db(transaction=True)
def test_writers_at_once_make_one_chain(now: datetime) -> None:
    def many(who: str) -> None:
        for number in range(20):
            with atomic():
                write(now, f"{who} {number}")
        connection.close()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(many, "abcd"))

    assert trail.verify() == trail.Verdict(80, str(AuditHead.objects.get()))
