"""Who is let into the console, and for how long."""

import time
from binascii import unhexlify
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import User
from django.test import Client
from django_otp.oath import TOTP

from gateway.database.encryption import decrypt, encrypt
from gateway.identity.totp import new_key
from gateway.models import AuditEntry, AuthenticatorApp
from gateway.partners import clock

PASSWORD = "a long password"
KEY = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def asha(db: None) -> User:
    return User.objects.create_superuser("asha", password=PASSWORD)


@pytest.fixture
def app(asha: User) -> AuthenticatorApp:
    made: AuthenticatorApp = AuthenticatorApp.objects.create(user=asha, name="app", encrypted_key=encrypt(KEY))
    return made


def code_of(key: str = KEY) -> str:
    totp = TOTP(unhexlify(key))
    totp.time = time.time()
    return f"{totp.token():06}"


def log_in(client: Client | None = None, *, name: str = "asha", password: str = PASSWORD, **more: str) -> Any:
    return (client or Client()).post("/admin/login/?next=/admin/", {"username": name, "password": password, **more})


def acts() -> list[str]:
    return list(AuditEntry.objects.order_by("number").values_list("act", flat=True))


class TestPasswords:
    def test_are_hashed_by_scrypt(self, asha: User) -> None:
        assert asha.password.startswith("scrypt$")

    def test_that_were_hashed_otherwise_are_hashed_anew_at_login(self, asha: User, settings: Any) -> None:
        settings.PASSWORD_HASHERS = settings.PASSWORD_HASHERS[1:]
        asha.set_password(PASSWORD)
        asha.save()
        assert asha.password.startswith("pbkdf2_sha256$")
        settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.ScryptPasswordHasher", *settings.PASSWORD_HASHERS]

        assert log_in().status_code == 302

        asha.refresh_from_db()
        assert asha.password.startswith("scrypt$")

    @pytest.mark.parametrize("weak", ["eleven-char", "password1234", "123456789012345", "asha"])
    def test_that_are_weak_are_refused(self, asha: User, weak: str) -> None:
        client = Client()
        client.force_login(asha)
        form = {"old_password": PASSWORD, "new_password1": weak, "new_password2": weak}

        answer = client.post("/admin/password_change/", form)

        assert answer.status_code == 200
        assert "change own password" not in acts()

    def test_that_one_changes_oneself_end_the_other_sessions(self, asha: User) -> None:
        here, elsewhere = Client(), Client()
        here.force_login(asha)
        elsewhere.force_login(asha)
        new = "quite another one 7"

        here.post("/admin/password_change/", {"old_password": PASSWORD, "new_password1": new, "new_password2": new})

        assert here.get("/admin/").status_code == 200
        assert elsewhere.get("/admin/").status_code == 302
        assert acts()[-1] == "change own password"


class TestAForm:
    @pytest.mark.parametrize("sent", [{"name": ""}, {"password": ""}, {"name": "asha\0"}, {"code": "1" * 11}])
    def test_that_is_not_filled_in_is_shown_again(self, asha: User, sent: Any) -> None:
        assert log_in(**sent).status_code == 200


class TestLockOut:
    def test_comes_after_five_failures_and_ends_after_a_while(self, asha: User) -> None:
        assert [log_in(password="wrong").status_code for _ in range(5)] == [200, 200, 200, 200, 429]

        refused = log_in()
        assert (refused.status_code, refused["Retry-After"]) == (429, "900")
        assert b"There were too many failed logins" in refused.content
        with time_machine.travel(clock.wall() + timedelta(minutes=16)):
            assert log_in().status_code == 302

    def test_is_recorded_once_however_often_somebody_goes_on(self, asha: User) -> None:
        for _ in range(9):
            log_in(password="wrong")

        assert acts() == ["log in, refused"] * 4 + ["lock out"]

    def test_is_of_one_address(self, asha: User, settings: Any) -> None:
        settings.PROXIES_IN_FRONT = 1
        stranger = Client(headers={"X-Forwarded-For": "198.51.100.9"})
        for _ in range(6):
            log_in(stranger, password="wrong")

        assert log_in(stranger).status_code == 429
        assert log_in(Client(headers={"X-Forwarded-For": "198.51.100.9, 192.0.2.7"})).status_code == 302

    def test_counts_names_that_do_not_exist_alike(self, asha: User) -> None:
        assert [log_in(name="nobody", password="wrong").status_code for _ in range(5)][-1] == 429

    def test_keeps_no_password_and_no_code(self, asha: User, django_assert_num_queries: Any) -> None:
        from axes.models import AccessAttempt

        log_in(password="hunter2 hunter2", code="123456")

        kept = repr(AccessAttempt.objects.values().get())
        assert "hunter2" not in kept
        assert "123456" not in kept

    def test_of_one_who_tries_many_names_is_by_the_address(self, asha: User, settings: Any) -> None:
        settings.RATE_LIMIT_WRONG_SECRETS = "3/minute"

        answers = [log_in(name=f"name-{number}", password="wrong").status_code for number in range(4)]

        assert answers == [200, 200, 200, 429]
        assert log_in().status_code == 429

    def test_can_be_lifted(self, asha: User) -> None:
        for _ in range(5):
            log_in(password="wrong")
        root = Client()
        root.force_login(User.objects.create_superuser("root"))

        root.post("/admin/auth/user/", {"action": "unlock", "_selected_action": [asha.pk]})

        assert log_in().status_code == 302


class TestIdling:
    @pytest.fixture
    def client(self, asha: User) -> Iterator[Client]:
        with time_machine.travel(clock.wall(), tick=False) as self.travel:
            client = Client()
            client.force_login(asha)
            yield client

    def after(self, client: Client, **time: int) -> int:
        self.travel.shift(timedelta(**time))
        return client.get("/admin/auth/group/").status_code

    def test_for_half_an_hour_ends_a_login(self, client: Client) -> None:
        assert self.after(client, minutes=30, seconds=1) == 302
        assert acts()[-1] == "log out"

    def test_begins_anew_with_every_request(self, client: Client) -> None:
        assert [self.after(client, minutes=27) for _ in range(4)] == [200] * 4

    def test_writes_no_session_with_every_request(self, client: Client, django_assert_num_queries: Any) -> None:
        self.after(client, minutes=5)
        before = client.session[  # what the last write has kept
            "console_seen"
        ]
        self.after(client, seconds=100)

        assert client.session["console_seen"] == before

    def test_not_even_ends_it_after_a_working_day(self, client: Client) -> None:
        assert [self.after(client, minutes=25) for _ in range(28)] == [200] * 28
        assert self.after(client, minutes=25) == 302

    def test_brings_one_back_to_where_one_was(self, client: Client) -> None:
        self.travel.shift(timedelta(hours=1))

        assert client.get("/admin/auth/group/?q=x")["Location"] == "/admin/login/?next=/admin/auth/group/%3Fq%3Dx"


class TestTheSecondFactor:
    def test_is_asked_of_those_who_have_one(self, app: AuthenticatorApp) -> None:
        assert log_in().status_code == 200
        assert log_in(code="000000").status_code == 200
        AuthenticatorApp.objects.update(throttling_failure_count=0, throttling_failure_timestamp=None)
        assert log_in(code=code_of()).status_code == 302
        assert acts() == ["log in, refused", "log in, refused", "log in"]

    def test_says_of_a_wrong_code_what_it_says_of_a_wrong_password(self, app: AuthenticatorApp) -> None:
        wrong_code, wrong_password = log_in(code="000000"), log_in(password="wrong")

        assert wrong_code.context["form"].non_field_errors() == wrong_password.context["form"].non_field_errors()

    def test_is_good_for_one_login(self, app: AuthenticatorApp) -> None:
        code = code_of()

        assert [log_in(code=code).status_code, log_in(code=code).status_code] == [302, 200]

    def test_that_is_guessed_locks_out(self, app: AuthenticatorApp) -> None:
        assert [log_in(code="000000").status_code for _ in range(5)][-1] == 429

    def test_closes_the_sessions_that_never_showed_it(self, asha: User) -> None:
        client = Client()
        client.force_login(asha)
        assert client.get("/admin/").status_code == 200

        AuthenticatorApp.objects.create(user=asha, name="app", encrypted_key=encrypt(KEY))

        assert client.get("/admin/").status_code == 302
        assert client.get("/admin/second-factor/").status_code == 302

    def test_is_set_up_with_a_code_from_the_app(self, asha: User) -> None:
        client = Client()
        log_in(client)
        page = client.get("/admin/second-factor/")
        assert b"<svg" in page.content
        assert b"http://" not in page.content.replace(b"http://www.w3.org/2000/svg", b"")
        key = client.session["console_new_key"]

        wrong = client.post("/admin/second-factor/", {"code": "000000"})
        assert b"not the app" in wrong.content
        right = client.post("/admin/second-factor/", {"code": code_of(key)})

        assert right.status_code == 302
        kept = AuthenticatorApp.objects.get()
        assert (decrypt(kept.encrypted_key), key in repr(vars(kept))) == (key, False)
        assert "console_new_key" not in client.session
        assert client.get("/admin/").status_code == 200
        assert acts() == ["log in", "set up second factor"]
        assert key not in repr(list(AuditEntry.objects.values()))

    def test_is_given_up_with_a_code(self, app: AuthenticatorApp) -> None:
        client = Client()
        log_in(client, code=code_of())

        assert b"not the app" in client.post("/admin/second-factor/", {"act": "give up", "code": "1"}).content
        AuthenticatorApp.objects.update(throttling_failure_count=0, throttling_failure_timestamp=None, last_t=-1)
        client.post("/admin/second-factor/", {"act": "give up", "code": code_of()})

        assert not AuthenticatorApp.objects.exists()
        assert acts()[-1] == "take second factor away"

    def test_is_nobody_elses(self, asha: User, app: AuthenticatorApp) -> None:
        client = Client()
        client.force_login(User.objects.create_user("mallory"))

        assert client.post("/admin/second-factor/", {"act": "give up", "code": code_of()}).status_code == 302
        assert AuthenticatorApp.objects.exists()

    def test_where_it_is_required_nothing_opens_before_it_is_set_up(self, asha: User, settings: Any) -> None:
        settings.CONSOLE_REQUIRE_TOTP = True
        client = Client()

        assert log_in(client).status_code == 302
        assert client.get("/admin/auth/user/").status_code == 302
        assert client.get("/admin/login/")["Location"] == "/admin/second-factor/"
        assert client.get("/admin/second-factor/").status_code == 200
        client.post("/admin/second-factor/", {"code": code_of(client.session["console_new_key"])})
        assert client.get("/admin/auth/user/").status_code == 200

    def test_has_a_key_of_160_bits(self) -> None:
        assert len(unhexlify(new_key())) == 20
