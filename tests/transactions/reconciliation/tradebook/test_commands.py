"""At the terminal: a dry run by default, the exact matches with --apply, a refusal with its line."""

from datetime import datetime
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command

from gateway.models import Gateway
from tests import make
from tests.transactions.reconciliation.reconciling import Scene, lost, support
from tests.transactions.reconciliation.tradebook.books import exported
from transactions.models import OrderCorrection
from transactions.reconciliation.tradebook.models import Tradebook

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("instruments")]


@pytest.fixture
def asha() -> User:
    return support("asha")


@pytest.fixture
def scenes(asha: User, now: datetime) -> list[Scene]:
    gateway: Gateway = make.gateway()
    return [lost(gateway, now, client_id=f"lost-contact-{n}") for n in range(3)]


@pytest.fixture
def book(scenes: list[Scene], tmp_path: Path) -> Path:
    file = tmp_path / "book.csv"
    file.write_text(exported())
    return file


class TestReconcile:
    def test_changes_nothing_without_apply(self, scenes: list[Scene], book: Path, capsys: Any) -> None:
        call_command("reconcile", str(book))

        told = capsys.readouterr().out
        assert "exact match" in told
        assert "Dry run: nothing was changed." in told
        assert ([scene.status() for scene in scenes], Tradebook.objects.count()) == (["ERROR"] * 3, 0)

    def test_corrects_with_apply(self, scenes: list[Scene], book: Path, capsys: Any) -> None:
        call_command("reconcile", str(book), "--apply", "--by", "asha")

        assert [scene.status() for scene in scenes] == ["COMPLETED"] * 3
        assert "3 orders corrected, 0 proposed" in capsys.readouterr().out
        assert (Tradebook.objects.get().due_at, OrderCorrection.objects.count()) == (None, 3)

    def test_twice_corrects_once(self, scenes: list[Scene], book: Path) -> None:
        for _ in range(2):
            call_command("reconcile", str(book), "--apply", "--by", "asha")

        assert OrderCorrection.objects.count() == 3

    @pytest.mark.parametrize(
        ("options", "sentence"),
        [
            (["--apply"], "--apply needs --by USER"),
            (["--apply", "--by", "nobody"], "no user nobody"),
            (["--apply", "--by", "clerk"], "clerk may not correct orders"),
            (["--dialect", "generic", "--broker", "nonsense"], "invalid choice"),
        ],
    )
    def test_refuses_with_a_sentence(self, scenes: list[Scene], book: Path, options: list[str], sentence: str) -> None:
        User.objects.create_user("clerk")

        with pytest.raises(CommandError, match=sentence):
            call_command("reconcile", str(book), *options)

        assert OrderCorrection.objects.count() == 0

    def test_refuses_a_file_that_is_cut_off(self, scenes: list[Scene], book: Path) -> None:
        book.write_text(book.read_text()[:-30])

        with pytest.raises(CommandError, match="line 7: "):
            call_command("reconcile", str(book))

        assert not Tradebook.objects.exists()

    def test_refuses_a_file_that_is_not_there(self, asha: User) -> None:
        with pytest.raises(CommandError, match="No such file"):
            call_command("reconcile", "/nowhere/book.csv")


class TestTheBrokersOwn:
    def test_is_printed_for_one_client(self, scenes: list[Scene]) -> None:
        out = StringIO()

        call_command("tradebook", "kite", "--client", "lost-contact-1", stdout=out)

        assert out.getvalue() == exported(*make.orders(scenes[1].batch))

    def test_is_refused_where_there_is_none(self, scenes: list[Scene]) -> None:
        with pytest.raises(CommandError, match="No trades match"):
            call_command("tradebook", "groww")
