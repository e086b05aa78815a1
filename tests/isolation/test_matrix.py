"""Every operation × every kind of wrong credential, and × the ids of another gateway and of another user.

The operations are those of the OpenAPI document, which are those of the URL configuration; `rows.py` and
`credentials.py` are the two sides of the matrix.
"""

import json
from typing import Final

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import get_resolver

from tests.flows.refusal import assert_refused
from tests.isolation.asking import BROWSERS, OPERATIONS, filled, leaked, paths, rightly, send, told
from tests.isolation.credentials import Refusal, Wrong
from tests.isolation.rows import CONSOLE, NOBODYS, OPEN, PLACEHOLDER, ROWS, SCREENS, Foreign, Row
from tests.isolation.scene import Scene, rows, rows_of

METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE")
ON_GATEWAYS: Final = [row for row in ROWS if "GatewaySecret" in OPERATIONS[row.operation].plane]
of_each_row = pytest.mark.parametrize("row", ROWS, ids=str)
of_each_row_for_users = pytest.mark.parametrize("row", [row for row in ROWS if row.user], ids=str)


class TestTheMatrix:
    def test_has_every_path_that_is_served(self) -> None:
        served = set(paths(get_resolver()))

        assert served == {operation.path for operation in OPERATIONS.values()} | OPEN | SCREENS | {CONSOLE}

    def test_has_a_row_for_every_operation(self) -> None:
        assert {row.operation for row in ROWS} == set(OPERATIONS)

    @of_each_row
    def test_says_of_every_id_whose_it_may_be(self, row: Row) -> None:
        named = set(PLACEHOLDER.findall(json.dumps([OPERATIONS[row.operation].path, dict(row.query), row.body])))
        is_partners = "AuthToken" in OPERATIONS[row.operation].plane

        assert bool(named - NOBODYS) == (row.another_gateways is not None)
        assert (row.another_users is not None) == (row.another_gateways is not None and is_partners)


class TestAWrongCredential:
    """About sixty rows on the Partner API: one test for each row compares all its cells."""

    @of_each_row
    def test_is_refused_and_nothing_is_told_or_written(self, there: Scene, row: Row) -> None:
        before, wrong = rows(), OPERATIONS[row.operation].wrong

        cells = {name: self.cell(there, row, one) for name, one in wrong.items()}

        assert cells == {name: one.refusal for name, one in wrong.items()}
        assert rows() == before

    def cell(self, there: Scene, row: Row, wrong: Wrong) -> Refusal:
        """The refusal, its sentence cut to the length of what was wanted."""
        answer = send(row, there.mine.ids, wrong.headers(there), gateway=wrong.gateway(there))
        assert_refused(answer, wrong.refusal.status, wrong.refusal.error_type)
        assert answer.data is None
        assert leaked(answer, *there.owners) == set()
        return Refusal(answer.status, answer.error_type, answer.errors[0][: len(wrong.refusal.sentence)])


class TestARightCredential:
    @of_each_row
    def test_is_answered_and_touches_no_other_gateway(self, there: Scene, row: Row) -> None:
        before = rows_of(there.theirs.partner.name)

        answer = send(row, there.mine.ids, rightly(row, there), gateway=there.mine.partner.name)

        assert answer.status == 200, answer.body
        assert leaked(answer, there.theirs.ids, there.secrets) == set()
        assert rows_of(there.theirs.partner.name) == before

    @of_each_row_for_users
    def test_of_a_user_tells_nothing_of_another_user(self, there: Scene, row: Row) -> None:
        answer = send(row, there.mine.ids, rightly(row, there), gateway=there.mine.partner.name)

        assert leaked(answer, there.sibling.ids) == set()

    @of_each_row_for_users
    def test_of_a_guest_is_not_enough_where_a_user_is_asked_for(self, there: Scene, row: Row) -> None:
        before = rows()

        answer = send(row, there.mine.ids, there.mine.partner.headers(), gateway=there.mine.partner.name)

        assert_refused(answer, 403, "ConnectedUserRequired")
        assert leaked(answer, *there.owners) == set()
        assert rows() == before


@pytest.mark.parametrize("row", [row for row in ROWS if row.another_gateways], ids=str)
class TestAnIdOfAnotherGateway:
    def test_names_nothing(self, there: Scene, row: Row) -> None:
        before, wanted = rows(), row.another_gateways

        answer = send(row, there.theirs.ids, rightly(row, there), gateway=there.mine.partner.name)

        assert isinstance(wanted, Foreign)
        assert told(answer) == (wanted.status, wanted.error_type, wanted.data)
        assert leaked(answer, there.theirs.ids) == set()
        assert rows() == before

    def test_is_answered_as_one_that_is_nobodys(self, there: Scene, row: Row) -> None:
        asked = (there.theirs.ids, there.theirs.ids.nobodys())

        theirs, none = (send(row, ids, rightly(row, there), gateway=there.mine.partner.name) for ids in asked)

        assert (theirs.status, theirs.body) == (none.status, none.body)


@pytest.mark.parametrize("row", [row for row in ROWS if row.another_users], ids=str)
class TestAnIdOfAnotherUser:
    def test_names_nothing(self, there: Scene, row: Row) -> None:
        before, wanted = rows(), row.another_users
        headers = there.mine.partner.headers(auth_id=there.mine.user.auth_id)

        answer = send(row, there.sibling.ids, headers, gateway=there.mine.partner.name)

        assert isinstance(wanted, Foreign)
        assert told(answer) == (wanted.status, wanted.error_type, wanted.data)
        assert leaked(answer, there.sibling.ids) == set()
        assert rows() == before


class TestWhatARefusalGivesAway:
    """That a gateway of a name exists is public by contract (404 against 401); nothing else about it is."""

    @pytest.mark.parametrize("row", ON_GATEWAYS, ids=str)
    def test_is_the_same_whatever_else_is_right(self, there: Scene, row: Row) -> None:
        wrong = {"x-gateway-secret": "wrong"}
        right = {**there.mine.partner.headers(auth_id=there.mine.user.auth_id), **wrong}

        answers = [
            send(row, ids, headers, gateway=gateway.name)
            for ids in (there.mine.ids, there.mine.ids.nobodys())
            for headers in (wrong, right)
            for gateway in (there.mine.partner, there.theirs.partner)
        ]

        assert [(answer.status, answer.body) for answer in answers] == [(401, answers[0].body)] * 8

    @pytest.mark.parametrize("row", [row for row in ROWS if row.operation == "scenarios"], ids=str)
    def test_is_the_same_for_a_live_gateway_and_for_none(self, there: Scene, row: Row) -> None:
        live, none = (send(row, there.mine.ids, {}, gateway=name) for name in (there.live.name, "nobody"))

        assert (live.status, live.body) == (404, none.body)


class TestAnyOtherWayIn:
    @pytest.mark.parametrize("path", sorted({operation.path for operation in OPERATIONS.values()}))
    def test_by_another_method_is_refused_first(self, there: Scene, path: str) -> None:
        before, where = rows(), filled(path, there.mine.ids, gateway=there.mine.partner.name)

        answers = [Client(raise_request_exception=False).generic(method, where) for method in METHODS]

        is_for_pages = path.startswith("/checkout/")  # a page needs no token, but an allowed origin
        assert {answer.status_code for answer in answers} == {403 if is_for_pages else 401}
        assert rows() == before

    @of_each_row
    def test_by_the_consoles_session_is_refused(self, there: Scene, row: Row) -> None:
        client = Client(raise_request_exception=False)
        client.force_login(User.objects.create_superuser("root"))

        is_for_pages = OPERATIONS[row.operation].plane == BROWSERS
        headers = {"Origin": "https://evil.example"} if is_for_pages else {}  # a page needs no token, but an origin
        answer = send(row, there.mine.ids, headers, gateway=there.mine.partner.name, client=client)

        assert_refused(answer, 403 if is_for_pages else 401, "InvalidGateway" if is_for_pages else "InvalidSecret")


class TestWhatIsOpen:
    @pytest.mark.parametrize("path", [*sorted(OPEN), "/admin/login/"])
    def test_tells_nothing_of_anybody(self, there: Scene, path: str) -> None:
        text = Client().get(path, headers=there.mine.partner.headers()).content.decode()

        assert {word for ids in there.owners for word in ids.private if word in text} == set()

    @pytest.mark.parametrize("path", ["", "gateway/gateway/", "transactions/transaction/", "webhooks/endpoint/"])
    def test_is_not_the_console(self, there: Scene, path: str) -> None:
        headers = {**there.mine.partner.headers(), "Authorization": f"Token {there.managers['their own']}"}

        answer = Client().get(f"{CONSOLE}{path}", headers=headers)

        assert (answer.status_code, answer["Location"]) == (302, f"/admin/login/?next=/admin/{path}")
