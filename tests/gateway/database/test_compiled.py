"""Statements that are compiled once; here over gateways and their users."""

import gc
import weakref
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from threading import Thread
from typing import Any

import pytest
from django.core.exceptions import EmptyResultSet
from django.db import connection, connections
from django.db.models import Count, Q, QuerySet
from pytest_django import DjangoAssertNumQueries

from gateway.api.idempotency import Keyed, begin
from gateway.database.compiled import Compiled, compiled, first
from gateway.models import Account, Gateway, IdempotentRequest
from gateway.partners import clock
from gateway.values.ids import new_object_id
from tests import make

HOSTILE = ("x' or 'a' = 'a", "%s", "%", '"', "\\", "é")


@compiled
def gateways(*, names: list[str], is_test: bool | None) -> QuerySet[Gateway]:
    rows = Gateway.objects.filter(name__in=names).order_by("name")
    return rows if is_test is None else rows.filter(is_test=is_test)


@compiled
def accounts(*, gateway: str, auth_id: str) -> QuerySet[Account]:
    return Account.objects.select_related("gateway").filter(gateway__name=gateway, auth_id=auth_id)


@compiled
def made(*, until: datetime, at: Sequence[datetime]) -> QuerySet[Gateway]:
    return Gateway.objects.filter(created_at__lte=until, created_at__in=at).order_by("name")


@compiled
def page(*, gateway: int, number: range) -> QuerySet[Account, tuple[str, int]]:
    rows = Account.objects.filter(Q(gateway=gateway)).annotate(others=Count("gateway__accounts"))
    return rows.order_by("pk").values_list("auth_id", "others")[number.start : number.stop]


@compiled
def counted(*, name: str) -> QuerySet[Gateway]:
    return Gateway.objects.filter(name=name).annotate(users=Count("accounts"))


@compiled
def owned(*, key: str) -> QuerySet[IdempotentRequest]:
    return IdempotentRequest.objects.select_related("gateway", "user").filter(key=key)


def a_gateway(name: str) -> Gateway:
    made = make.gateway()
    Gateway.objects.filter(pk=made.pk).update(name=name)
    return made


def an_account(gateway: Gateway, client_id: str = "happy") -> Account:
    return Account.objects.create(
        gateway=gateway, auth_id=new_object_id(), broker="kite", client_id=client_id, created_at=gateway.created_at
    )


def names(found: list[Gateway]) -> list[str]:
    return [gateway.name for gateway in found]


@pytest.fixture
def three(db: None) -> list[str]:
    for name in ("one", "three", "two"):
        a_gateway(name)
    return ["one", "three", "two"]


class TestCompiled:
    @pytest.mark.parametrize("count", [1, 2, 3])
    def test_finds_what_is_in_a_list_of_any_length(self, three: list[str], count: int) -> None:
        assert names(gateways(names=three[:count], is_test=None)) == three[:count]

    def test_has_no_row_for_an_empty_list_and_does_not_ask(
        self, three: list[str], django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        with django_assert_num_queries(0):
            assert gateways(names=[], is_test=None) == []

    def test_takes_what_is_neither_text_nor_number_as_a_part_of_the_statement(self, three: list[str]) -> None:
        assert names(gateways(names=three, is_test=True)) == three
        assert gateways(names=three, is_test=False) == []
        assert names(gateways(names=three, is_test=None)) == three

    @pytest.mark.parametrize("name", HOSTILE)
    def test_takes_a_text_for_nothing_but_a_text(self, three: list[str], name: str) -> None:
        assert accounts(gateway=name, auth_id=name) == []
        assert gateways(names=[name], is_test=None) == []
        a_gateway(name)
        assert names(gateways(names=[name], is_test=None)) == [name]

    def test_takes_moments_for_parameters(self, three: list[str], now: datetime) -> None:
        moments = [now + timedelta(microseconds=n) for n in range(3)]
        for name, moment in zip(three, moments, strict=True):
            Gateway.objects.filter(name=name).update(created_at=moment)

        assert [names(made(until=moment, at=moments)) for moment in moments] == [three[:1], three[:2], three]
        assert names(made(until=moments[2], at=moments[1:2])) == ["three"]
        assert made._statement.cache_info().misses == 2

    def test_asks_every_time(self, three: list[str], django_assert_num_queries: DjangoAssertNumQueries) -> None:
        assert [found.allowed_origins for found in gateways(names=["one"], is_test=None)] == [[]]

        Gateway.objects.filter(name="one").update(allowed_origins=["https://a.example"])

        with django_assert_num_queries(1):
            assert [found.allowed_origins for found in gateways(names=["one"], is_test=None)] == [["https://a.example"]]

    def test_brings_related_rows_along(
        self, three: list[str], django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        account = an_account(Gateway.objects.get(name="two"))

        with django_assert_num_queries(1):
            (found,) = accounts(gateway="two", auth_id=account.auth_id)
            assert (found, found.gateway.name, found.created_at) == (account, "two", account.created_at)
        assert accounts(gateway="one", auth_id=account.auth_id) == []

    def test_brings_none_along_where_there_is_no_related_row(
        self, db: None, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        keyed = Keyed(gateway_id=a_gateway("one").pk, user_id=None, key="mine", fingerprint="f", first_fingerprint="a")
        begin(keyed=keyed, now=clock.wall())

        with django_assert_num_queries(1):
            (found,) = owned(key="mine")
            assert (found.gateway and found.gateway.name, found.user) == ("one", None)

    def test_tells_what_is_annotated_and_makes_rows_that_can_be_written(self, three: list[str]) -> None:
        an_account(Gateway.objects.get(name="two"))

        (found,) = counted(name="two")
        found.name = "four"
        found.save()

        assert vars(found)["users"] == 1
        assert sorted(Gateway.objects.values_list("name", flat=True)) == ["four", "one", "three"]

    def test_refuses_a_question_whose_rows_are_neither(self, db: None) -> None:
        flat = Compiled(lambda: Gateway.objects.values_list("name", flat=True))

        with pytest.raises(TypeError, match="FlatValuesListIterable"):
            flat()

    def test_answers_with_values_where_these_are_asked_for(self, three: list[str]) -> None:
        gateway = Gateway.objects.get(name="two")
        made = [an_account(gateway, client_id).auth_id for client_id in "abc"]

        assert page(gateway=gateway.pk, number=range(2)) == [(made[0], 3), (made[1], 3)]
        assert page(gateway=gateway.pk, number=range(2, 9)) == [(made[2], 3)]

    def test_gives_its_statement_for_another_one(self, three: list[str]) -> None:
        sql, parameters = gateways.asked(names=three, is_test=True)

        with connection.cursor() as cursor:
            cursor.execute(f"SELECT COUNT(*) FROM ({sql}) AS found", parameters)
            assert cursor.fetchall() == [(3,)]

    def test_has_no_statement_where_there_can_be_no_row(self, db: None) -> None:
        with pytest.raises(EmptyResultSet):
            gateways.asked(names=[], is_test=None)

    def test_builds_a_statement_once(self, three: list[str]) -> None:
        built: list[Any] = []

        def called(*, name: str) -> QuerySet[Gateway]:
            built.append(name)
            return Gateway.objects.filter(name=name)

        question = Compiled(called)
        assert [names(question(name=name)) for name in three] == [["one"], ["three"], ["two"]]
        assert len(built) == 1

    @pytest.mark.parametrize(("lengths", "statements"), [((1,), 1), ((3, 4), 1), (range(1, 101), 8)])
    def test_keeps_few_statements_whatever_is_asked(self, db: None, lengths: list[int], statements: int) -> None:
        built: list[Any] = []

        def called(*, names: list[str]) -> QuerySet[Gateway]:
            built.append(names)
            return Gateway.objects.filter(name__in=names)

        question = Compiled(called)
        for length in lengths:
            assert question(names=["none"] * length) == []
        assert len(built) == statements

    def test_keeps_no_connection_of_the_thread_that_asked_first(self, transactional_db: None) -> None:
        theirs: list[weakref.ref[Any]] = []
        question = Compiled(accounts._build)

        def ask() -> None:
            theirs.append(weakref.ref(connections["default"]))
            assert question(gateway="none", auth_id="none") == []
            connections["default"].close()

        thread = Thread(target=ask)
        thread.start()
        thread.join()
        gc.collect()

        assert (len(theirs), theirs[0]()) == (1, None)
        assert question(gateway="none", auth_id="none") == []


def widened(characters: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE gateway_gateway ALTER COLUMN name TYPE varchar({characters})")


def prepared() -> list[str]:
    """What this connection's server has prepared of ours, as it was told."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT statement FROM pg_prepared_statements WHERE name LIKE 'kept%'")
        return [statement for (statement,) in cursor.fetchall()]


@pytest.mark.servers
class TestOnPostgreSQL:
    @pytest.fixture(autouse=True)
    def _a_connection_of_its_own(self, transactional_db: None) -> Iterator[None]:
        connection.close()
        yield
        connection.close()

    def test_is_prepared_once_it_is_asked_often(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("gateway.database.compiled.OFTEN", 2)
        question = Compiled(gateways._build)
        a_gateway("one")

        told = [(names(question(names=["one"], is_test=True)), len(prepared())) for _ in range(4)]

        assert told == [(["one"], 0), (["one"], 0), (["one"], 1), (["one"], 1)]

    @pytest.mark.parametrize("name", HOSTILE)
    def test_takes_a_text_for_nothing_but_a_text(self, name: str) -> None:
        a_gateway(name)

        assert names(gateways(names=[name], is_test=None)) == [name]
        assert accounts(gateway=name, auth_id=name) == []
        assert len(prepared()) == 2

    def test_knows_what_never_changes(self) -> None:
        question = Compiled(lambda *, pk: Gateway.objects.filter(market_hours="100 % $1 %s", pk=pk))

        assert question(pk=make.gateway().pk) == []
        assert ["'100 % $1 %s'" in statement for statement in prepared()] == [True]

    def test_may_have_no_parameters(self) -> None:
        a_gateway("one")
        question = Compiled(lambda: Gateway.objects.filter(is_test=True))

        assert [names(question()), names(question()), len(prepared())] == [["one"], ["one"], 1]

    def test_is_asked_anew_after_a_migration(self) -> None:
        a_gateway("one")
        try:
            assert names(gateways(names=["one"], is_test=None)) == ["one"]
            widened(70)
            assert names(gateways(names=["one"], is_test=None)) == ["one"]
            assert names(gateways(names=["one"], is_test=None)) == ["one"]
        finally:
            widened(63)
        assert len(prepared()) == 1

    def test_is_prepared_on_every_connection(self) -> None:
        a_gateway("one")
        for _ in range(2):
            assert names(gateways(names=["one"], is_test=None)) == ["one"]
            assert len(prepared()) == 1
            connection.close()

    def test_is_not_prepared_where_transactions_are_pooled(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(connection.settings_dict, "DISABLE_SERVER_SIDE_CURSORS", True)
        a_gateway("one")

        assert names(gateways(names=["one"], is_test=None)) == ["one"]
        assert prepared() == []

    def test_is_not_prepared_where_there_are_many(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("gateway.database.postgresql.base.MOST_PREPARED", 1)
        for number in (1, 2):
            assert gateways(names=["none"] * number, is_test=None) == []

        assert len(prepared()) == 1


class TestFirst:
    def test_is_none_of_nothing(self) -> None:
        assert (first([2, 1]), first([])) == (2, None)
