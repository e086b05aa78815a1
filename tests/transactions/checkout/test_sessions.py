"""A checkout is opened, led to a broker, logged in to and left; nothing about it can be guessed or done twice."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError
from django.db.transaction import atomic

from gateway.models import Account, Gateway
from gateway.values.errors import Invalid
from tests import make
from transactions.checkout import browser_binding, sessions
from transactions.checkout.broker_login import PinRefused, log_in
from transactions.checkout.browser_binding import LoginWindow
from transactions.checkout.sessions import LockedOut, NotThisStep
from transactions.domain.checkout_modes import Mode, Reason
from transactions.domain.intents import Intent
from transactions.lifecycle.transitions import SdkError, TransactionUsed
from transactions.models import CheckoutSession, Transaction

MINUTE = timedelta(minutes=1)


def opened(gateway: Gateway, now: datetime, **door: Any) -> CheckoutSession:
    return make.session(transaction=make.transaction(gateway=gateway, now=now), now=now, **door)[0]


def at_login(gateway: Gateway, now: datetime) -> CheckoutSession:
    session = opened(gateway, now)
    sessions.choose_broker(session=session, broker="kite")
    return session


def guess(session: CheckoutSession, now: datetime, *, client_id: str = "login-fails") -> None:
    sessions.enter(session=session, client_id=client_id, pin="0000", now=now)


def ended_with(session: CheckoutSession) -> tuple[str, int | None]:
    transaction = Transaction.objects.get(pk=session.transaction_id)
    return transaction.status, transaction.error_code


def fresh(session: CheckoutSession) -> CheckoutSession:
    return CheckoutSession.objects.select_related("transaction__gateway", "transaction__account").get(pk=session.pk)


class TestOpening:
    def test_gives_a_token_of_which_only_a_digest_is_kept(self, gateway: Gateway, now: datetime) -> None:
        session, token = make.session(transaction=make.transaction(gateway=gateway, now=now), now=now)

        assert len(token) == 43
        assert token not in str(CheckoutSession.objects.values().get())
        assert session.token_digest == browser_binding.digest(token)

    def test_replaces_the_session_before(self, gateway: Gateway, now: datetime) -> None:
        made = make.transaction(gateway=gateway, now=now)
        first, _ = make.session(transaction=made, now=now)

        second, _ = make.session(transaction=made, now=now + MINUTE)

        assert (fresh(first).is_replaced, fresh(first).ended_at) == (True, now + MINUTE)
        assert (fresh(second).is_replaced, fresh(second).ended_at) == (False, None)

    def test_gives_no_more_guesses_than_there_were(self, gateway: Gateway, now: datetime) -> None:
        session = at_login(gateway, now)
        for _ in range(2):
            with pytest.raises(PinRefused):
                guess(session, now)

        again, _ = make.session(transaction=session.transaction, now=now)

        assert sessions.attempts_left(again) == 3

    def test_is_refused_once_somebody_logged_in(self, gateway: Gateway, now: datetime) -> None:
        made = make.logged_in(gateway=gateway, now=now)

        with pytest.raises(TransactionUsed):
            make.session(transaction=made, now=now)

        assert not CheckoutSession.objects.exists()

    def test_is_refused_when_the_time_is_over(self, gateway: Gateway, now: datetime) -> None:
        made = make.transaction(gateway=gateway, now=now)

        with pytest.raises(SdkError) as refusal:
            make.session(transaction=made, now=now + 16 * MINUTE)

        assert refusal.value.code == 3001
        assert not CheckoutSession.objects.exists()

    def test_binds_a_connected_user(self, gateway: Gateway, now: datetime) -> None:
        account = make.logged_in(gateway=gateway, now=now).account
        made = make.transaction(gateway=gateway, now=now)

        session, _ = make.session(transaction=made, account=account, now=now)

        assert Transaction.objects.get(pk=made.pk).account == account
        assert session.broker == "kite"

    def test_does_not_take_a_transaction_from_another_user(self, gateway: Gateway, now: datetime) -> None:
        theirs = make.logged_in(gateway=gateway, client_id="theirs", now=now).account
        mine = make.logged_in(gateway=gateway, client_id="mine", now=now).account
        made = make.transaction(gateway=gateway, account=theirs, now=now)

        with pytest.raises(TransactionUsed):
            make.session(transaction=made, account=mine, now=now)

        assert Transaction.objects.get(pk=made.pk).account == theirs

    def test_never_leaves_two_open(self, gateway: Gateway, now: datetime) -> None:
        session = opened(gateway, now)
        session.pk, session.session_id, session.token_digest = None, "0" * 24, "0" * 64

        with pytest.raises(IntegrityError, match=r"transactions_checkoutsession|one_open_checkout"), atomic():
            session.save()


class TestTheBroker:
    def test_is_one_of_those_that_serve_the_order(self, gateway: Gateway, now: datetime) -> None:
        made = make.transaction(gateway=gateway, intent=Intent.HOLDINGS_IMPORT, now=now)
        session, _ = make.session(transaction=made, now=now)

        keys = [profile.key for profile in sessions.choices_of_broker(session)]

        assert len(keys) == 15
        assert not {"fundzbazar", "trustline"} & set(keys)

    def test_is_one_that_the_partner_wants(self, gateway: Gateway, now: datetime) -> None:
        session = opened(gateway, now, brokers=("groww", "kite"))

        assert [profile.key for profile in sessions.choices_of_broker(session)] == ["groww", "kite"]
        with pytest.raises(Invalid):
            sessions.choose_broker(session=session, broker="upstox")
        assert fresh(session).broker == ""

    def test_can_be_selected_again(self, gateway: Gateway, now: datetime) -> None:
        session = at_login(gateway, now)

        sessions.choose_broker(session=session, broker="")

        assert fresh(session).broker == ""

    def test_of_a_connected_user_cannot(self, gateway: Gateway, now: datetime) -> None:
        account = make.logged_in(gateway=gateway, now=now).account
        session, _ = make.session(transaction=make.transaction(gateway=gateway, now=now), account=account, now=now)

        with pytest.raises(NotThisStep):
            sessions.choose_broker(session=session, broker="groww")

        assert fresh(session).broker == "kite"


class TestALogin:
    def test_gives_the_attempt_back(self, gateway: Gateway, now: datetime) -> None:
        session = at_login(gateway, now)

        sessions.enter(session=session, client_id="happy", pin="1234", now=now)

        assert fresh(session).pin_attempts == 0
        assert ended_with(session) == ("USED", None)

    def test_asks_for_a_broker_first(self, gateway: Gateway, now: datetime) -> None:
        with pytest.raises(NotThisStep):
            guess(opened(gateway, now), now, client_id="happy")

        assert not Account.objects.exists()

    def test_locks_out_with_the_fifth_wrong_pin(self, gateway: Gateway, now: datetime) -> None:
        session = at_login(gateway, now)
        for _ in range(4):
            with pytest.raises(PinRefused):
                guess(session, now)

        with pytest.raises(LockedOut):
            guess(session, now)

        with pytest.raises(LockedOut):
            guess(session, now, client_id="happy")
        assert ended_with(session) == ("INITIALIZED", None)

    def test_counts_guesses_made_side_by_side(self, gateway: Gateway, now: datetime) -> None:
        session = at_login(gateway, now)
        rivals = [fresh(session) for _ in range(6)]

        refusals = [type(_refused(rival, now)) for rival in rivals]

        assert refusals == [PinRefused] * 4 + [LockedOut] * 2

    def test_in_a_checkout_that_was_replaced_meanwhile_logs_nobody_in(self, gateway: Gateway, now: datetime) -> None:
        mine = at_login(gateway, now)
        make.session(transaction=fresh(mine).transaction, now=now)  # while the broker is being asked

        with pytest.raises(TransactionUsed):
            log_in(
                transaction=mine.transaction,
                broker="kite",
                client_id="happy",
                pin="1",
                now=now,
                window=LoginWindow(mine.pk, "token"),
            )

        assert ended_with(mine) == ("INITIALIZED", None)
        assert not Account.objects.exists()
        assert Transaction.objects.get(pk=mine.transaction_id).logged_in_at is None

    def test_is_one_of_two_made_at_once(self, gateway: Gateway, now: datetime) -> None:
        """Both browsers were at the broker when the first came back."""
        mine = at_login(gateway, now)
        theirs = fresh(mine)
        sessions.enter(session=mine, client_id="happy", pin="1", now=now, window=LoginWindow(mine.pk, "mine"))

        for client_id in ("happy", "happy-other"):
            with pytest.raises(TransactionUsed):
                sessions.enter(session=theirs, client_id=client_id, pin="1", now=now, window=LoginWindow(mine.pk, "x"))

        assert fresh(mine).login_token_digest == browser_binding.digest("mine")
        assert Account.objects.get() == fresh(mine).transaction.account

    @pytest.mark.parametrize("pin", ["error_1003", "error_1012", "error_1001"])
    def test_that_the_broker_ends_ends_nothing_of_who_came_before(
        self, gateway: Gateway, now: datetime, pin: str
    ) -> None:
        mine = at_login(gateway, now)
        theirs = fresh(mine)
        sessions.enter(session=mine, client_id="happy", pin="1", now=now)

        with pytest.raises(TransactionUsed):
            sessions.enter(session=theirs, client_id="happy-other", pin=pin, now=now)

        assert ended_with(mine) == ("USED", None)

    def test_of_another_account_ends_nothing_of_who_came_before(self, gateway: Gateway, now: datetime) -> None:
        account = make.logged_in(gateway=gateway, client_id="happy-mine", now=now).account
        made = make.transaction(gateway=gateway, now=now)
        mine, _ = make.session(transaction=made, account=account, now=now)
        theirs = fresh(mine)
        sessions.enter(session=fresh(mine), client_id="happy-mine", pin="1", now=now)

        with pytest.raises(TransactionUsed):
            sessions.enter(session=theirs, client_id="happy-other", pin="1", now=now)

        assert ended_with(mine) == ("USED", None)

    def test_does_not_take_what_a_connected_page_has_bound_meanwhile(self, gateway: Gateway, now: datetime) -> None:
        """The sandbox's user has no session that could have been replaced."""
        account = make.logged_in(gateway=gateway, client_id="happy-mine", now=now).account
        made = make.transaction(gateway=gateway, now=now)
        stale = Transaction.objects.select_related("gateway").get(pk=made.pk)
        make.session(transaction=made, account=account, now=now)

        with pytest.raises(TransactionUsed):
            log_in(transaction=stale, broker="kite", client_id="happy-other", pin="1", now=now)

        assert Transaction.objects.get(pk=made.pk).account == account
        assert not Account.objects.filter(client_id="happy-other").exists()

    def test_too_late_leaves_no_account(self, gateway: Gateway, now: datetime) -> None:
        session = at_login(gateway, now)

        with pytest.raises(SdkError):
            sessions.enter(session=session, client_id="happy", pin="1", now=now + 16 * MINUTE)

        assert not Account.objects.exists()

    def test_of_an_illegal_forced_code_is_no_wrong_pin(self, gateway: Gateway, now: datetime) -> None:
        session = at_login(gateway, now)

        with pytest.raises(Invalid):
            sessions.enter(session=session, client_id="happy", pin="error_9999", now=now)

        assert fresh(session).pin_attempts == 0

    def test_ends_at_once_what_the_closed_market_cannot_take(self, gateway: Gateway, now: datetime) -> None:
        Gateway.objects.update(market_hours="closed")
        session = fresh(at_login(gateway, now))

        with pytest.raises(SdkError):
            sessions.enter(session=session, client_id="happy", pin="1234", now=now)

        assert ended_with(session) == ("ERRORED", 4004)


def _refused(session: CheckoutSession, now: datetime) -> Exception:
    with pytest.raises((PinRefused, LockedOut)) as refusal:
        guess(session, now)
    return refusal.value


class TestLeaving:
    @pytest.mark.parametrize(
        ("reason", "code"), [(Reason.CLOSED, 1008), (Reason.NOT_LISTED, 1006), (Reason.WANTS_ACCOUNT, 1007)]
    )
    def test_without_a_broker_has_a_code_for_why(
        self, gateway: Gateway, now: datetime, reason: Reason, code: int
    ) -> None:
        session = opened(gateway, now)
        sessions.find_no_broker(session=session)

        sessions.leave(session=session, reason=reason, now=now)

        assert ended_with(session) == ("ERRORED", code)

    def test_at_the_chooser_is_1010(self, gateway: Gateway, now: datetime) -> None:
        session = opened(gateway, now)

        sessions.leave(session=session, reason=Reason.NOT_LISTED, now=now)

        assert ended_with(session) == ("ERRORED", 1010)

    def test_before_the_login_finished_is_1011(self, gateway: Gateway, now: datetime) -> None:
        session = at_login(gateway, now)

        sessions.leave(session=session, reason=Reason.CLOSED, now=now)

        assert ended_with(session) == ("ERRORED", 1011)

    @pytest.mark.parametrize(
        ("intent", "reason", "code"),
        [
            (Intent.TRANSACTION, Reason.CLOSED, 1012),
            (Intent.TRANSACTION, Reason.DENIED, 1012),
            (Intent.HOLDINGS_IMPORT, Reason.DENIED, 1003),
            (Intent.FETCH_FUNDS, Reason.DENIED, 1003),
        ],
    )
    def test_after_the_login_is_1012_or_a_denial(
        self, gateway: Gateway, now: datetime, intent: Intent, reason: Reason, code: int
    ) -> None:
        made = make.transaction(gateway=gateway, intent=intent, now=now)
        session, _ = make.session(transaction=made, now=now)
        sessions.choose_broker(session=session, broker="kite")
        sessions.enter(session=session, client_id="happy", pin="1234", now=now)

        sessions.leave(session=session, reason=reason, now=now)

        assert ended_with(session) == ("ERRORED", code)

    def test_where_nothing_can_be_chosen_is_3000(self, gateway: Gateway, now: datetime) -> None:
        made = make.transaction(gateway=gateway, intent=Intent.HOLDINGS_IMPORT, now=now)
        session, _ = make.session(transaction=made, brokers=("trustline",), now=now)

        sessions.leave(session=session, reason=Reason.NOTHING_TO_CHOOSE, now=now)

        assert ended_with(session) == ("ERRORED", 3000)

    def test_after_the_confirmation_changes_nothing(self, gateway: Gateway, now: datetime) -> None:
        batch = make.queued_batch(gateway=gateway, now=now)
        session = CheckoutSession.objects.create(
            transaction=batch.transaction, mode=Mode.POPUP, origin=make.SHOP, token_digest="0" * 64, created_at=now
        )

        sessions.leave(session=session, reason=Reason.CLOSED, now=now)

        assert ended_with(session) == ("PROCESSING", None)
        assert fresh(session).ended_at == now

    def test_a_replaced_one_leaves_the_other_alone(self, gateway: Gateway, now: datetime) -> None:
        made = make.transaction(gateway=gateway, now=now)
        first, _ = make.session(transaction=made, now=now)
        make.session(transaction=made, now=now)

        sessions.leave(session=fresh(first), reason=Reason.CLOSED, now=now)

        assert ended_with(first) == ("INITIALIZED", None)

    def test_loses_against_a_confirmation_in_the_same_moment(self, gateway: Gateway, now: datetime) -> None:
        session = at_login(gateway, now)
        sessions.enter(session=session, client_id="happy", pin="1234", now=now)
        rival = fresh(session)
        Transaction.objects.filter(pk=session.transaction_id).update(status="PROCESSING")

        sessions.leave(session=rival, reason=Reason.CLOSED, now=now)

        assert ended_with(session) == ("PROCESSING", None)

    def test_by_the_page_that_opened_it_loses_against_a_login_in_the_same_moment(
        self, gateway: Gateway, now: datetime
    ) -> None:
        session = at_login(gateway, now)
        rival = fresh(session)
        sessions.enter(session=session, client_id="happy", pin="1234", now=now)

        sessions.leave_before_login(session=rival, now=now)

        assert ended_with(session) == ("USED", None)
        assert fresh(session).ended_at is None


class TestNoticingExpiry:
    def test_ends_what_nobody_came_back_to(self, gateway: Gateway, now: datetime) -> None:
        session = opened(gateway, now)

        sessions.notice_expiry(session=session, now=now + 16 * MINUTE)

        assert ended_with(session) == ("ERRORED", 3001)

    def test_before_the_time_is_over_does_nothing(self, gateway: Gateway, now: datetime) -> None:
        session = opened(gateway, now)

        sessions.notice_expiry(session=session, now=now + 14 * MINUTE)

        assert ended_with(session) == ("INITIALIZED", None)
