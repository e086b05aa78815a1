"""Two clients at one checkout: after the login it belongs to the one that logged in, in every mode, without cookies."""

import re
from typing import Any, Final

import pytest
from django.db import OperationalError
from django.test import Client
from django.urls import URLPattern

from gateway.api.rate_limits import RateLimited
from gateway.models import Account
from tests import make
from tests.flows import stage
from tests.partner import Answer
from tests.transactions.checkout.conftest import CHALLENGE, Shop, Visit, moment
from transactions.checkout import browser_binding, sdk_files, sessions, urls
from transactions.checkout.pages.screens import REFUSALS
from transactions.models import Batch, CheckoutSession, Order, Transaction
from transactions.queries import selectors

BACK: Final = "https://shop.example/back"
DOORS: Final[dict[str, dict[str, str]]] = {
    "popup": {"mode": "popup"},
    "frame": {"mode": "frame"},
    "redirect": {"mode": "redirect", "redirectUrl": BACK},
}
SESSIONS, OUTCOME = "checkout/<gateway:gateway>/sessions", "checkout/<gateway:gateway>/sessions/outcome"
# What the other client sends to each screen; a new one fails the suite until it stands here.
SENT: Final[dict[str, dict[str, str]]] = {
    "": {},
    "broker": {"broker": "groww"},
    "no-broker": {},
    "login": {"account": "happy-other", "nonce": "n" * 43},
    "login-again": {"client_id": "happy", "pin": "1234", "choices": "quantity-INFY=9"},
    "confirm": {"action": "confirm"},
    "status": {},
    "mark-complete": {},
    "leave": {"reason": "closed"},
}
SCREEN: Final = re.compile(r"checkout/s/<session:token>/(.*)")
FILES: Final = {sdk_files.script, sdk_files.declarations, sdk_files.opening}  # the same for everybody
OTHERS_ADDRESS: Final = "10.9.9.9"


def screens() -> set[str]:
    found = (SCREEN.fullmatch(str(pattern.pattern)) for pattern in urls.urlpatterns)
    return {match[1] for match in found if match}


def is_other_route(pattern: URLPattern) -> bool:
    return not SCREEN.fullmatch(str(pattern.pattern)) and pattern.callback not in FILES


@pytest.fixture
def door(request: pytest.FixtureRequest) -> dict[str, str]:
    """Of a popup, where a test is not of all modes."""
    return DOORS[getattr(request, "param", "popup")]


IN_EVERY_MODE = pytest.mark.parametrize("door", DOORS, indirect=True)


@pytest.fixture
def other() -> Client:
    """Another browser, at the URL that was passed on."""
    return Client(raise_request_exception=False, REMOTE_ADDR=OTHERS_ADDRESS)


@pytest.fixture
def visit(shop: Shop, door: dict[str, str]) -> Visit:
    return shop.open(shop.partner.create(), **door)


def told_by(answer: Any) -> str:
    return str(answer.content.decode()) + str(dict(answer.headers))


def secrets_of(visit: Visit) -> list[str]:
    account = Account.objects.get()
    return [account.auth_id, "happy", "kite", "Zerodha", visit.path.split("/")[3], "INFY", make.VERIFIER]


def asked(shop: Shop, visit: Visit, **more: Any) -> Answer:
    return shop.call("sessions/outcome", {"sessionId": visit.session_id, **more})


def state_of(visit: Visit) -> tuple[Any, Any]:
    session = CheckoutSession.objects.values().get(session_id=visit.session_id)
    return session, Transaction.objects.values().get(pk=session["transaction_id"])


class TestTheMatrix:
    def test_has_a_row_for_every_request_of_a_browser(self) -> None:
        others = {str(pattern.pattern) for pattern in urls.urlpatterns if is_other_route(pattern)}

        assert screens() == set(SENT)
        assert others == {SESSIONS, OUTCOME}

    @IN_EVERY_MODE
    def test_shows_the_other_client_nothing(self, visit: Visit, other: Client) -> None:
        old = visit.path
        visit.log_in()
        before, secrets = state_of(visit), secrets_of(visit)

        for step in SENT:
            answer = other.get(old + step)
            page = told_by(answer)
            assert (step, answer.status_code) == (step, 200)
            assert "Continue in the window where you logged in" in page
            assert (step, [secret for secret in secrets if secret in page]) == (step, [])
        assert state_of(visit) == before

    @IN_EVERY_MODE
    def test_does_nothing_for_the_other_client(self, visit: Visit, other: Client) -> None:
        old = visit.path
        shown = visit.shown(visit.log_in())
        before, secrets = state_of(visit), secrets_of(visit)

        for step, form in SENT.items():
            answer = other.post(old + step, form | {"shown": shown})
            page = told_by(answer)
            assert (step, answer.status_code, [secret for secret in secrets if secret in page]) == (step, 403, [])
            assert (state_of(visit), Batch.objects.count(), Account.objects.count()) == (before, 0, 1)

    @IN_EVERY_MODE
    def test_opens_no_session_for_the_other_client(self, shop: Shop, visit: Visit, door: dict[str, str]) -> None:
        visit.log_in()
        before = state_of(visit)

        wanted = {"transactionId": visit.transaction.transaction_id, "codeChallenge": CHALLENGE, **door}
        answer = shop.call("sessions", wanted)

        assert (answer.status, answer.data) == (409, {"code": 3001, "message": "transaction_expired"})
        assert state_of(visit) == before

    @IN_EVERY_MODE
    def test_returns_only_the_open_state_to_the_other_client(self, shop: Shop, visit: Visit) -> None:
        visit.log_in()
        before = state_of(visit)

        for verifier in ({}, {"codeVerifier": make.VERIFIER}, {"codeVerifier": "w" * 43}):
            for code in ({}, {"resultCode": "c" * 43}):
                for left in (False, True):
                    told = asked(shop, visit, **verifier, **code, left=left).data
                    assert told == {"state": "open", "settled": True, "response": None, "error": None}
        assert state_of(visit) == before


class TestTheClientThatLoggedIn:
    @IN_EVERY_MODE
    def test_continues_whatever_the_other_client_does(self, shop: Shop, visit: Visit, other: Client) -> None:
        """Without a cookie and after a reload, while the other client tries every URL between the steps."""
        old = visit.path

        def disturb() -> None:
            for step, form in SENT.items():
                other.get(old + step)
                other.post(old + step, form)
            asked(shop, visit, codeVerifier=make.VERIFIER, left=True)

        visit.log_in()
        disturb()
        assert visit.see().status_code == visit.see().status_code == 200
        assert visit.confirm()["Location"] == visit.path
        disturb()
        assert "data-headline" in visit.text()
        code = code_passed_on(visit)
        disturb()

        told = asked(shop, visit, codeVerifier=make.VERIFIER, resultCode=code, left=True).data

        assert told["state"] == "done"
        assert told["response"]["broker"] == "kite"
        assert told["response"]["orderBatches"][0]["orders"][0]["tradingsymbol"] == "INFY"
        assert dict(visit.client.cookies) == {}

    def test_may_go_on_in_a_second_tab(self, visit: Visit) -> None:
        visit.log_in()
        tab = Visit(Client(), visit.path, visit.session_id)

        assert tab.confirm().status_code == 303
        assert Batch.objects.count() == 1

    def test_may_leave(self, shop: Shop, visit: Visit) -> None:
        visit.log_in()

        visit.send("leave")

        assert visit.transaction.error_code == 1012

    def test_is_led_on_when_the_login_form_is_sent_twice(self, visit: Visit) -> None:
        """A double tap, or a reload after an answer that was lost: the browser follows the last answer."""
        old, form = visit.path, login_form(visit)

        first, second = visit.client.post(old + "login", form), visit.client.post(old + "login", form)

        assert first.status_code == second.status_code == 303
        assert first["Location"] == second["Location"] != old
        assert visit.client.get(second["Location"]).status_code == 200

    @pytest.mark.parametrize("refusal", REFUSALS)
    def test_is_led_on_although_a_copy_of_the_form_was_refused(
        self, visit: Visit, monkeypatch: pytest.MonkeyPatch, refusal: type[Exception]
    ) -> None:
        """The form was sent twice at once. The refusal of the second is the response that the browser follows."""
        old, form = visit.path, login_form(visit)
        raise_after_login(monkeypatch, refused_with(refusal))

        answer = visit.client.post(old + "login", form)

        assert (answer.status_code, answer.headers.get("Location", old) != old) == (303, True)
        assert visit.client.get(answer["Location"]).status_code == 200

    @pytest.mark.parametrize("form", [{"client_id": "", "pin": ""}, {"client_id": "happy", "pin": ""}])
    def test_is_led_on_without_the_pin(self, visit: Visit, form: dict[str, str]) -> None:
        """The nonce alone proves that it is the same window."""
        old, sent = visit.path, login_form(visit)
        visit.client.post(old + "login", sent)

        answer = visit.client.post(old + "login", {"nonce": sent["nonce"], **form})

        assert (answer.status_code, answer.headers.get("Location", old) != old) == (303, True)

    def test_is_led_on_after_the_database_failed_behind_the_login(
        self, visit: Visit, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        old, form = visit.path, login_form(visit)
        raise_after_login(monkeypatch, OperationalError("gone"))

        failed = visit.client.post(old + "login", form)
        offered = re.search(r'action="([^"]+)"><input type="hidden" name="nonce" value="([^"]+)"', told_by(failed))

        assert (failed.status_code, offered and offered.groups()) == (503, (old + "login", form["nonce"]))
        assert visit.client.post(old + "login", {"nonce": form["nonce"]}).status_code == 303

    def test_types_again_after_the_database_failed_before_the_login(
        self, visit: Visit, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        form = login_form(visit)
        with monkeypatch.context() as failing:
            failing.setattr(selectors, "session_at", gone)
            assert f'value="{form["nonce"]}"' in told_by(visit.send("login", **form))

        assert "Enter your client id and PIN." in told_by(visit.send("login", nonce=form["nonce"]))

    def test_is_alone_in_knowing_the_way(self, visit: Visit, other: Client) -> None:
        """The form of another load of the same page, with the same account and PIN, leads nowhere."""
        old, mine, theirs = visit.path, login_form(visit), login_form(visit)
        visit.client.post(old + "login", mine)

        answer = other.post(old + "login", theirs)

        assert (mine["nonce"] != theirs["nonce"], answer.status_code) == (True, 403)
        assert "Location" not in answer

    @pytest.mark.parametrize("refusal", REFUSALS)
    def test_is_alone_in_knowing_the_way_when_another_form_is_refused_meanwhile(
        self, visit: Visit, other: Client, monkeypatch: pytest.MonkeyPatch, refusal: type[Exception]
    ) -> None:
        old, mine, theirs = visit.path, login_form(visit), login_form(visit)

        def refuse(**_: Any) -> None:
            with monkeypatch.context() as before:
                before.setattr(sessions, "enter", enter)
                visit.client.post(old + "login", mine)
            raise refused_with(refusal)

        enter = sessions.enter
        monkeypatch.setattr(sessions, "enter", refuse)
        answer = other.post(old + "login", theirs)

        assert (answer.status_code, "Location" in answer) == (403, False)
        assert "Continue in the window where you logged in" in told_by(answer)


class TestTheResult:
    def test_is_carried_by_one_answer(self, shop: Shop, visit: Visit) -> None:
        both = confirmed(visit)

        first, second = asked(shop, visit, **both).data, asked(shop, visit, **both).data

        assert first["response"]["smallcaseAuthToken"].count(".") == 2
        assert second == {"state": "done", "settled": True, "response": None, "error": None}

    def test_of_an_error_is_carried_by_one_answer(self, shop: Shop, visit: Visit) -> None:
        visit.log_in()
        both = {"codeVerifier": make.VERIFIER, "resultCode": code_passed_on(visit)}
        visit.send("leave")

        first, second = asked(shop, visit, **both).data["error"], asked(shop, visit, **both).data["error"]

        assert (first["code"], first["broker"], "smallcaseAuthToken" in first) == (1012, "kite", True)
        assert second == {"code": 1012, "message": "user_cancelled"}

    @pytest.mark.parametrize("lacking", ["codeVerifier", "resultCode"])
    @pytest.mark.parametrize("instead", [{}, "x" * 43])
    def test_needs_both_secrets(self, shop: Shop, visit: Visit, lacking: str, instead: Any) -> None:
        both = confirmed(visit)
        one = {name: value for name, value in both.items() if name != lacking}

        told = asked(shop, visit, **one, **({lacking: instead} if instead else {})).data

        assert told == {"state": "done", "settled": True, "response": None, "error": None}
        assert asked(shop, visit, **both).data["response"] is not None

    def test_of_another_session_is_not_opened_by_this_ones_code(self, shop: Shop, door: dict[str, str]) -> None:
        mine, theirs = (shop.open(shop.partner.create(), **door) for _ in range(2))
        both = confirmed(mine)
        confirmed(theirs)

        assert asked(shop, theirs, **both).data["response"] is None

    def test_lost_on_its_way_is_returned_again_for_the_same_key(self, shop: Shop, visit: Visit) -> None:
        both = {"sessionId": visit.session_id, **confirmed(visit)}

        first, again = (shop.call("sessions/outcome", both, **{"Idempotency-Key": "mine"}) for _ in range(2))
        without_code = shop.call("sessions/outcome", {"sessionId": visit.session_id}, **{"Idempotency-Key": "mine"})

        assert first.data["response"] is not None
        assert (again.data, again.headers["Idempotency-Replayed"]) == (first.data, "true")
        assert (without_code.error_type, without_code.data) == ("IdempotencyMismatch", None)

    def test_is_not_used_up_by_asking_while_orders_are_on_their_way(self, shop: Shop, visit: Visit) -> None:
        both = confirmed(visit)
        Batch.objects.update(status="QUEUED", placed_at=None, completed_at=None, due_at=moment(shop))
        Order.objects.update(status="QUEUED", filled_quantity=0, average_price=None)

        waiting = asked(shop, visit, **both).data
        shop.partner.advance("PT7S")
        told = asked(shop, visit, **both).data

        assert waiting == {"state": "done", "settled": False, "response": None, "error": None}
        assert (told["settled"], told["response"]["orderBatches"]) == (True, [])

    def test_of_a_window_that_is_gone_after_the_login_says_who_it_was_and_leaves_the_transaction_open(
        self, shop: Shop, visit: Visit
    ) -> None:
        visit.log_in()
        both = {"codeVerifier": make.VERIFIER, "resultCode": code_passed_on(visit)}

        told = asked(shop, visit, **both, left=True).data

        assert (told["state"], told["error"]["code"], told["error"]["broker"]) == ("open", 1012, "kite")
        assert visit.transaction.status == "USED"
        assert visit.confirm().status_code == 303

    def test_is_good_for_as_long_as_the_session(self, shop: Shop, visit: Visit) -> None:
        both = confirmed(visit)
        shop.partner.advance("P7DT1M")

        assert asked(shop, visit, **both).data["response"] is None


class TestBeforeTheLogin:
    def test_the_opener_may_end_the_flow(self, shop: Shop, visit: Visit) -> None:
        told = asked(shop, visit, codeVerifier=make.VERIFIER, left=True).data

        assert told["error"] == {"code": 1010, "message": "user_cancelled"}

    @pytest.mark.parametrize("sent", [{}, {"codeVerifier": "w" * 43}])
    def test_nobody_else_may(self, shop: Shop, visit: Visit, sent: dict[str, str]) -> None:
        told = asked(shop, visit, **sent, left=True).data

        assert (told["state"], visit.transaction.status) == ("open", "INITIALIZED")


class TestAnotherPerson:
    @IN_EVERY_MODE
    def test_leaves_no_account_and_the_window_alone_learns_of_it(self, shop: Shop, door: dict[str, str]) -> None:
        auth_id = stage.connected(shop.partner, "happy-mine")
        visit = shop.open(shop.partner.create(auth_id=auth_id), auth_id=auth_id, **door)
        old = visit.path

        assert "Different account" in visit.log_in("happy-theirs")

        both = {"codeVerifier": make.VERIFIER, "resultCode": code_passed_on(visit)}
        assert not Account.objects.filter(client_id="happy-theirs").exists()
        assert "Different account" not in Client().get(old).content.decode()
        assert asked(shop, visit).data["error"] == {"code": 1001, "message": "user_mismatch"}
        assert asked(shop, visit, **both).data["error"] == {
            "code": 1001,
            "message": "user_mismatch",
            "broker": "kite",
        }

    def test_is_new_at_the_first_login_of_their_own(self, shop: Shop) -> None:
        auth_id = stage.connected(shop.partner, "happy-mine")
        visit = shop.open(shop.partner.create(auth_id=auth_id), auth_id=auth_id)
        visit.log_in("happy-theirs")

        answer = shop.partner.complete(shop.partner.create(), "happy-theirs")

        assert answer.data["signup"] is True


def raise_after_login(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    """The first login succeeds, and the same request then ends in the error."""
    enter = sessions.enter

    def enter_and_raise(**wanted: Any) -> None:
        monkeypatch.setattr(sessions, "enter", enter)
        enter(**wanted)
        raise error

    monkeypatch.setattr(sessions, "enter", enter_and_raise)


def refused_with(kind: type[Exception]) -> Exception:
    return RateLimited("No", retry_after=1, scope="guesses") if kind is RateLimited else kind("No.")


def gone(*_: Any) -> None:
    raise OperationalError("gone")


def login_form(visit: Visit, *, account: str = "happy") -> dict[str, str]:
    """As one load of the page has it."""
    visit.send("broker", broker="kite")
    nonces = re.findall(r'name="nonce" value="([\w-]{43})"', visit.text())
    assert len(set(nonces)) == 1
    return {"nonce": nonces[0], "account": account}


def code_passed_on(visit: Visit) -> str:
    """By message from any page after the login; in redirect mode in the address of the way back."""
    if visit.session.mode != "redirect":
        return visit.text().partition('data-result="')[2].partition('"')[0]
    return browser_binding.result_code(visit.path.split("/")[3])


def confirmed(visit: Visit) -> dict[str, str]:
    """Both secrets of a checkout that was confirmed."""
    visit.log_in()
    visit.confirm()
    return {"codeVerifier": make.VERIFIER, "resultCode": code_passed_on(visit)}
