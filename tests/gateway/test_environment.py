"""Whatever is missing or malformed ends the start with one sentence that names the variable."""

import os
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from threading import Barrier, Thread

import certifi
import pytest

from gateway import environment as env

NAME = "A_SETTING"
ROOT = Path(__file__).resolve().parents[2]
KEY = "k" * 42 + "A="
GOOD = {
    "GATEWAY_ENV": "production",
    "SECRET_KEY": "k" * 64,
    "ENCRYPTION_KEYS": KEY,
    "ALLOWED_HOSTS": "gateway.example",
    "DATABASE_URL": "postgres://user:password@127.0.0.1:1/gateway",
    "CELERY_BROKER_URL": "redis://127.0.0.1:1/0",
}
START = "The gateway cannot start: "
KEYS = "must be Fernet keys (32 url-safe base64 bytes), newest first, separated by commas."
URL = "must be a database URL such as postgres://user:password@host:5432/name."
QUEUE = "must be a Celery broker URL such as redis://host:6379/0."
RATE = "must be a rate such as 300/minute, or empty for no limit."
STORE = "must be redis://host:6379/0, redis+sentinel://host:26379/master or memory://."


def database() -> object:
    return env.database(NAME, default=None)


def queue() -> object:
    return env.broker_url(NAME, default=None)


def keys() -> object:
    return env.fernet_keys(NAME, default=None)


def rate() -> object:
    return env.rate(NAME, default="1/second")


def store() -> object:
    return env.store_url(NAME, default="memory://")


def flag() -> object:
    return env.flag(NAME, default=True)


def whole() -> object:
    return env.whole(NAME, default=8000)


def one_of() -> object:
    return env.one_of(NAME, ("nse", "always"), default="nse")


def text() -> object:
    return env.text(NAME)


class TestAReader:
    @pytest.mark.parametrize("read", [text, database, queue, keys])
    @pytest.mark.parametrize("unset", [None, ""])
    def test_names_what_is_not_set(
        self, monkeypatch: pytest.MonkeyPatch, read: Callable[[], object], unset: str | None
    ) -> None:
        monkeypatch.setenv(NAME, unset or "")

        with pytest.raises(SystemExit) as end:
            read()

        assert end.value.code == f"{START}{NAME} is not set."

    @pytest.mark.parametrize(
        ("read", "value", "sentence"),
        [
            (flag, "maybe", "must be true or false."),
            (flag, "2", "must be true or false."),
            (whole, "many", "must be a whole number."),
            (whole, "8000.5", "must be a whole number."),
            (one_of, "NSE", "must be one of nse, always."),
            (database, "nonsense", URL),
            (database, "postgres://", URL),
            (database, "postgres://host/", URL),
            (database, "postgres://user:password@host:port/name", URL),
            (database, "gopher://host/name", URL),
            (queue, "nonsense", QUEUE),
            (queue, "http://host", QUEUE),
            (queue, "redis:/host", QUEUE),
            (queue, "sentinel://one:26379;redis://two:6379", QUEUE),
            (queue, "redis://one:6379;sentinel://two:26379", QUEUE),
            (keys, "short", KEYS),
            (keys, f"{KEY},short", KEYS),
            (keys, f"{KEY};{KEY}", KEYS),
            (keys, "₹" * 43, KEYS),
            (keys, ",", KEYS),
            (rate, "300", RATE),
            (rate, "0/minute", RATE),
            (rate, "-1/minute", RATE),
            (rate, "300/fortnight", RATE),
            (store, "memcached://host", STORE),
            (keys, " , ", KEYS),
        ],
    )
    def test_names_what_is_malformed(
        self, monkeypatch: pytest.MonkeyPatch, read: Callable[[], object], value: str, sentence: str
    ) -> None:
        monkeypatch.setenv(NAME, value)

        with pytest.raises(SystemExit) as end:
            read()

        assert end.value.code == f"{START}{NAME} {sentence}"

    @pytest.mark.parametrize(
        ("read", "value", "understood"),
        [
            (text, " as it is ", " as it is "),
            (flag, "", True),
            *((flag, word, True) for word in ("true", "TRUE", "1", "yes", "on")),
            *((flag, word, False) for word in ("false", "False", "0", "no", "off")),
            (whole, "", 8000),
            (whole, "443", 443),
            (one_of, "", "nse"),
            (one_of, "always", "always"),
            (queue, "rediss://host:6379/1", "rediss://host:6379/1"),
            (queue, "sentinel://one:26379;sentinel://two:26379", "sentinel://one:26379;sentinel://two:26379"),
            (rate, "", ""),
            (rate, " 10 per 5 minutes ", "10 per 5 minutes"),
            (store, "", "memory://"),
            (store, "rediss://host:6379/1", "rediss://host:6379/1"),
            (store, "redis+sentinel://one:1,two:1/master", "redis+sentinel://one:1,two:1/master"),
            (keys, KEY, [KEY]),
            (keys, f" {KEY} , ,{KEY}", [KEY, KEY]),
        ],
    )
    def test_understands_what_is_well_formed(
        self, monkeypatch: pytest.MonkeyPatch, read: Callable[[], object], value: str, understood: object
    ) -> None:
        monkeypatch.setenv(NAME, value)

        assert read() == understood

    def test_understands_a_database(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv(NAME, "postgres://user:p%40ss@host:5433/name")

        found = env.database(NAME, default=None)
        assert {key: found[key] for key in ("ENGINE", "NAME", "USER", "PASSWORD", "HOST", "PORT")} == {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": "name",
            "USER": "user",
            "PASSWORD": "p@ss",
            "HOST": "host",
            "PORT": 5433,
        }

    @pytest.mark.parametrize(("value", "words"), [("", []), ("a", ["a"]), (" a, ,b ,", ["a", "b"])])
    def test_understands_a_list(self, monkeypatch: pytest.MonkeyPatch, value: str, words: list[str]) -> None:
        monkeypatch.setenv(NAME, value)

        assert env.words(NAME) == words


class TestAuthorities:
    def test_may_be_left_out(self) -> None:
        assert env.authorities("") == ""

    def test_are_a_file_of_certificates(self) -> None:
        assert env.authorities(certifi.where()) == certifi.where()

    @pytest.mark.parametrize("content", [None, "", "no certificate"])
    def test_are_nothing_else(self, tmp_path: Path, content: str | None) -> None:
        path = tmp_path / "authorities.pem"
        if content is not None:
            path.write_text(content)

        with pytest.raises(ValueError):
            env.authorities(str(path))


@pytest.fixture
def umask() -> Iterator[None]:
    """As it was, afterwards."""
    before = os.umask(0o022)
    yield
    os.umask(before)


def modes(directory: Path) -> dict[str, int]:
    return {str(path.relative_to(directory)): stat.S_IMODE(path.stat().st_mode) for path in directory.rglob("*")}


@pytest.mark.usefixtures("umask")
class TestKeepPrivate:
    def test_makes_a_directory_for_its_owner_alone(self, tmp_path: Path) -> None:
        var = tmp_path / "new" / "var"

        env.keep_private(var)
        (var / "any").write_text("")

        assert (stat.S_IMODE(var.stat().st_mode), modes(var)) == (0o700, {"any": 0o600})

    def test_tightens_what_an_earlier_release_has_left(self, tmp_path: Path) -> None:
        (tmp_path / "queue" / "messages").mkdir(parents=True)
        ours = ("secret_key", "gateway.sqlite3", "gateway.sqlite3-wal", "demo-site.sqlite3", "queue/messages/one.msg")
        for name in (*ours, "notes.txt"):
            (tmp_path / name).write_text("")
        tmp_path.chmod(0o755)

        for _ in range(2):
            env.keep_private(tmp_path)

        folders = {"queue": 0o700, "queue/messages": 0o700}
        assert modes(tmp_path) == {**dict.fromkeys(ours, 0o600), **folders, "notes.txt": 0o644}
        assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o700

    def test_leaves_alone_a_directory_that_users_share(self, tmp_path: Path) -> None:
        tmp_path.chmod(0o1777)
        (tmp_path / "secret_key").write_text("")

        env.keep_private(tmp_path)

        assert (stat.S_IMODE(tmp_path.stat().st_mode), modes(tmp_path)) == (0o1777, {"secret_key": 0o600})

    def test_follows_no_link_out_of_it(self, tmp_path: Path) -> None:
        theirs, var = tmp_path / "theirs", tmp_path / "var"
        theirs.mkdir()
        (theirs / "file").write_text("")
        var.mkdir()
        (var / "secret_key").symlink_to(theirs / "file")
        (var / "queue").symlink_to(theirs)

        env.keep_private(var)

        assert modes(theirs) == {"file": 0o644}
        assert stat.S_IMODE(theirs.stat().st_mode) == 0o755

    @pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
    def test_leaves_alone_what_is_anothers(self, tmp_path: Path) -> None:
        theirs = tmp_path / "secret_key"
        theirs.write_text("")
        os.chown(theirs, 12_345, -1)

        env.keep_private(tmp_path)

        assert modes(tmp_path) == {"secret_key": 0o644}


class TestKeptSecret:
    def test_is_made_once_and_for_its_owner_only(self, tmp_path: Path) -> None:
        path = tmp_path / "var" / "secret_key"

        assert [env.kept_secret(path, lambda: "first"), env.kept_secret(path, lambda: "second")] == ["first"] * 2
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert list(path.parent.iterdir()) == [path]

    def test_is_one_however_many_start_at_once(self, tmp_path: Path) -> None:
        path, found, ready = tmp_path / "secret_key", list[str](), Barrier(8)

        def start(name: str) -> None:
            ready.wait()
            found.append(env.kept_secret(path, lambda: name))

        threads = [Thread(target=start, args=(str(n),)) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert found == [path.read_text()] * 8


class TestAStartInProduction:
    def check(self, var: Path, environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
        kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        return subprocess.run(
            [sys.executable, "manage.py", "check"],
            cwd=ROOT,
            env={**kept, "VAR_DIR": str(var), **environment},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    def test_needs_nothing_but_its_settings(self, tmp_path: Path) -> None:
        done = self.check(tmp_path, GOOD)

        assert (done.returncode, done.stderr) == (0, "")

    @pytest.mark.parametrize("missing", sorted(GOOD.keys() - {"GATEWAY_ENV"}))
    def test_names_what_is_missing(self, tmp_path: Path, missing: str) -> None:
        done = self.check(tmp_path, {name: value for name, value in GOOD.items() if name != missing})

        assert (done.returncode, done.stdout, done.stderr) == (1, "", f"{START}{missing} is not set.\n")

    @pytest.mark.parametrize(
        ("name", "value", "sentence"),
        [
            ("GATEWAY_ENV", "staging", "must be one of embedded, production."),
            ("ENCRYPTION_KEYS", "short", KEYS),
            ("ENCRYPTION_KEYS", ",", KEYS),
            ("ALLOWED_HOSTS", " , ", "is not set."),
            ("DATABASE_URL", "nonsense", URL),
            ("CELERY_BROKER_URL", "amqp://host", QUEUE),
            ("PORT", "http", "must be a whole number."),
            ("MARKET_HOURS", "sometimes", "must be one of always, nse."),
            ("UNREPORTED_LIMIT_LIVE_SECONDS", "1m", "must be a whole number."),
            ("SECURE_SSL_REDIRECT", "maybe", "must be true or false."),
            ("SECURE_HSTS_SECONDS", "a year", "must be a whole number."),
            ("BEHIND_TLS_PROXY", "maybe", "must be true or false."),
            ("RATE_LIMIT_GATEWAY", "plenty", RATE),
            ("RATE_LIMIT_STORAGE_URL", "mongodb://host", STORE),
            ("PROXIES_IN_FRONT", "one", "must be a whole number."),
            ("LOG_LEVEL", "LOUD", "must be one of DEBUG, INFO, WARNING, ERROR, CRITICAL."),
        ],
    )
    def test_names_what_is_malformed(self, tmp_path: Path, name: str, value: str, sentence: str) -> None:
        done = self.check(tmp_path, {**GOOD, name: value})

        assert (done.returncode, done.stdout, done.stderr) == (1, "", f"{START}{name} {sentence}\n")

    def test_needs_nothing_at_all_where_it_is_embedded(self, tmp_path: Path) -> None:
        done = self.check(tmp_path, {})

        assert (done.returncode, done.stderr) == (0, "")

    def test_behind_sentinels_needs_their_masters_name(self, tmp_path: Path) -> None:
        behind = GOOD | {"CELERY_BROKER_URL": "sentinel://127.0.0.1:1;sentinel://127.0.0.1:2"}

        refused, taken = self.check(tmp_path, behind), self.check(tmp_path, behind | {"CELERY_BROKER_MASTER": "queue"})

        assert (refused.returncode, refused.stderr) == (1, f"{START}CELERY_BROKER_MASTER is not set.\n")
        assert (taken.returncode, taken.stderr) == (0, "")

    def test_names_a_pooling_that_there_is_not(self, tmp_path: Path) -> None:
        done = self.check(tmp_path, GOOD | {"DATABASE_POOLING": "statement"})

        assert done.stderr == f"{START}DATABASE_POOLING must be one of session, transaction.\n"


class TestAuditKeys:
    def test_are_the_default_where_none_is_set(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv(NAME, raising=False)

        assert env.audit_keys(NAME, default="k" * 16) == ["k" * 16]

    def test_are_read_newest_first(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv(NAME, f"{'n' * 16}, {'o' * 16}")

        assert env.audit_keys(NAME, default="k" * 16) == ["n" * 16, "o" * 16]

    def test_that_are_short_end_the_start(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv(NAME, f"{'n' * 16},short")

        with pytest.raises(SystemExit, match=f"{NAME} must be keys of 16 characters at least"):
            env.audit_keys(NAME, default="k" * 16)
