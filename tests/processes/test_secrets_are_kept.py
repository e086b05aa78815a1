"""A whole run at LOG_LEVEL=DEBUG; then every place where something is said is searched for everything secret."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import pytest
import redis
import requests

from tests.partner import Answer
from tests.processes.secrets_kept import Listener, Places, console_pages, handed_out, signature
from tests.processes.stack import ALL, Processes, Stack, create_database, healthy, manage, production
from tests.processes.waiting import until
from tests.processes.wire import DistantPartner
from tests.receiver import Receiver
from tests.servers import Server, free_port, redis_server
from transactions.checkout.browser_binding import challenge_of

pytestmark = pytest.mark.servers
PIN: Final = "pin-of-happy-5150"
WRONG_PIN: Final = "pin-refused-7741"
CANARY: Final = "canary-4f1d2c77"
PASSWORD: Final = "operators-password-93b1"
METRICS_TOKEN: Final = "metrics-token-c4d1"
ORIGIN: Final = "https://shop.example"
KEY: Final = "a-key-of-one-request"
VERIFIER: Final = "verifier-of-a-page-that-opens-a-checkout-08a3f"
DATABASE_PASSWORD, QUEUE_PASSWORD = "database-password-11a7", "queue-password-22b8"
ROTATE: Final = """
from gateway.partners.credentials import retire, rotate
from gateway.models import Gateway
from webhooks.delivery.endpoints import rotate_secret
g = Gateway.objects.get(name={name!r})
print(rotate(g, kind="api"), rotate(g, kind="jwt"), rotate_secret(g.endpoints.get()))
"""


@dataclass
class Run:
    """`secrets` by name; `places` where they are looked for."""

    stack: Stack
    receiver: Receiver
    secrets: dict[str, str] = field(default_factory=dict)
    places: Places = field(default_factory=Places)

    @property
    def environment(self) -> dict[str, str]:
        return self.stack.processes.environment


class Careless(DistantPartner):
    """Keeps what it was answered, and what it sent."""

    run: Run

    def call(self, method: str, path: str, *arguments: Any, **named: Any) -> Answer:
        answer = super().call(method, path, *arguments, **named)
        for number, token in enumerate(handed_out(answer.body)):
            self.run.secrets[f"token handed out {len(self.run.secrets)}.{number}"] = signature(token)
        self.run.places.keep("answers", *without(answer.body, set(handed_out(answer.body))), json.dumps(answer.headers))
        return answer

    def headers(self, *, auth_id: str | None = None, **more: str) -> dict[str, str]:
        made = super().headers(auth_id=auth_id, **more)
        self.run.secrets[f"token sent {len(self.run.secrets)}"] = signature(made["x-gateway-authtoken"])
        return made


def without(body: Any, tokens: set[str]) -> Iterator[str]:
    text = json.dumps(body, ensure_ascii=False)
    for token in tokens:
        text = text.replace(f'"smallcaseAuthToken": "{token}"', "")
    yield text


def with_password(url: str, user: str, password: str) -> str:
    parts = urlsplit(url)
    return parts._replace(netloc=f"{user}:{password}@{parts.hostname}:{parts.port}").geturl()


@contextmanager
def talkative(database: str, queue: Server, directory: Path) -> Iterator[Stack]:
    """The stack with every logger at DEBUG, Celery's and the web server's among them."""
    with redis.Redis.from_url(queue.url) as client:
        client.config_set("requirepass", QUEUE_PASSWORD)
    environment = production(
        database=with_password(database, "postgres", DATABASE_PASSWORD),
        queue=with_password(queue.url, "", QUEUE_PASSWORD),
        directory=directory,
    )
    loud = {"WARNING": "DEBUG", "error": "debug"}
    with Processes(
        environment | {"LOG_LEVEL": "DEBUG", "METRICS_TOKEN": METRICS_TOKEN}, directory / "log"
    ) as processes:
        stack = Stack(database, queue, free_port(), processes)
        for name in ALL:
            processes.start(name, [loud.get(part, part) for part in stack.command(name)])
        until(lambda: healthy(stack.base), what="serving")
        yield stack


def created(run: Run, name: str) -> Careless:
    url = f"{run.receiver.url}"
    arguments = ("create_gateway", name, "--json", "--webhook-url", url, "--allowed-origin", ORIGIN)
    made = json.loads(manage(*arguments, environment=run.environment))
    run.secrets |= {f"{name}'s {kind}": made[kind] for kind in ("apiSecret", "jwtSecret", "webhookSecret")}
    partner = Careless(name, made["apiSecret"], made["jwtSecret"], made["webhookSecret"], base=run.stack.base)
    partner.run = run
    return partner


def rotated(run: Run, partner: Careless) -> None:
    api, jwt, hook = manage("shell", "-v0", "-c", ROTATE.format(name=partner.name), environment=run.environment).split()
    run.secrets |= {"new API secret": api, "new JWT secret": jwt, "new webhook secret": hook}
    partner.api_secret, partner.jwt_secret = api, jwt


def mistaken(partner: Careless) -> list[Answer]:
    """Secrets where they do not belong; every kind of refusal."""
    create, right = "/gateway/{gateway}/transaction", partner.headers()
    api, jwt, token = partner.api_secret, partner.jwt_secret, right["x-gateway-authtoken"]
    made = partner.create()
    return [
        partner.call("POST", create, {}, headers={}),
        partner.call("POST", create, {}, headers={"x-gateway-secret": jwt, "x-gateway-authtoken": api}),
        partner.call("POST", create, {}, headers={"x-gateway-secret": token, "x-gateway-authtoken": jwt}),
        partner.call("POST", create, {}, headers={"x-gateway-secret": api, "x-gateway-authtoken": token[:-4] + "AAAA"}),
        partner.call("POST", create, {"intent": api, "orderConfig": {"type": jwt}}, headers=right),
        partner.call("POST", create, {"intent": "TRANSACTION", "pin": PIN, api: jwt}, headers=right),
        partner.call("POST", f"/gateway/{api.lower()}/transaction", {}, headers=right),
        partner.call("GET", f"/v1/{{gateway}}/engine/{jwt}", headers=right, query={"x-gateway-secret": api}),
        partner.call("GET", "/v1/{gateway}/engine/transactiondetails", headers=right, query={"transactionId": token}),
        partner.call("DELETE", create, {"secret": api}, headers=right),
        partner.call("GET", "/manager/v1/smallcases/SCNM_0001/rebalances", headers={"Authorization": f"Token {api}"}),
        partner.complete(made, "login-fails", pin=WRONG_PIN),
        partner.complete(made, "happy", pin=["x", PIN]),
        partner.complete(made, "happy", pin=PIN * 10),
        partner.complete(partner.create(), "happy", pin="error_1003"),
        partner.complete(partner.create(), "happy", pin="error_marginsExceeded"),
    ]


def broken(run: Run, partner: Careless) -> list[Answer]:
    """Tables and columns that are not there for a while: every view answers 500, and every task fails."""
    made, answers = partner.create(), []
    for table, column in (("gateway_account", "client_id"), ("webhooks_endpoint", "sealed_secret")):
        run.stack.execute(f"ALTER TABLE {table} RENAME COLUMN {column} TO gone")
        answers += [
            partner.call(
                "POST",
                "/gateway/{gateway}/transaction",
                {"intent": "CONNECT"},
                headers=partner.headers() | {"Request-Id": CANARY},
            ),
            partner.complete(made, "partial", pin=PIN),
            partner.call("GET", "/manager/v1/smallcases/SCNM_0001/rebalances", headers=manager(run)),
        ]
        until(lambda: "UndefinedColumn" in run.stack.processes.log.read_text(), what="failing")
        run.stack.execute(f"ALTER TABLE {table} RENAME COLUMN gone TO {column}")
    return answers


def walked(run: Run, partner: Careless) -> None:
    """A user's way through the checkout, with a PIN refused on it; every screen is kept."""
    opened = requests.post(
        f"{run.stack.base}/checkout/{partner.name}/sessions",
        json={"transactionId": partner.create(notes=CANARY), "codeChallenge": challenge_of(VERIFIER)},
        headers={"x-gateway-authtoken": partner.headers()["x-gateway-authtoken"], "Origin": ORIGIN},
        timeout=20,
    )
    home = opened.json()["data"]["url"]  # told to the partner's page alone
    run.secrets["code verifier"] = VERIFIER
    run.secrets["session's URL"] = home.rstrip("/").rpartition("/")[2]
    way: list[tuple[str, dict[str, str]]] = [
        ("broker", {"broker": "kite"}),
        ("login", {"client_id": "login-fails", "pin": WRONG_PIN}),
        ("login", {"client_id": "happy", "pin": PIN}),
    ]
    screens = [requests.get(home, timeout=20)]
    screens += [requests.post(home + step, form, timeout=20) for step, form in way]
    (sealed,) = re.findall(r'name="shown" value="([^"]+)"', screens[-1].text)
    there = screens[-1].url.removesuffix("login")
    run.secrets["session's URL from the login on"] = there.rstrip("/").rpartition("/")[2]
    (run.secrets["result code"],) = re.findall(r'data-result="([^"]+)"', screens[-1].text)
    screens.append(requests.post(f"{there}confirm", {"action": "confirm", "shown": sealed}, timeout=20))
    assert [screen.status_code for screen in screens] == [200] * 5
    assert "data-headline" in screens[-1].text
    run.places.keep("screens", *(unlinked(run, screen.text) for screen in screens))
    told = requests.post(
        f"{run.stack.base}/checkout/{partner.name}/sessions/outcome",
        json={
            "sessionId": opened.json()["data"]["sessionId"],
            "codeVerifier": VERIFIER,
            "resultCode": run.secrets["result code"],
        },
        headers={"x-gateway-authtoken": partner.headers()["x-gateway-authtoken"], "Origin": ORIGIN},
        timeout=20,
    )
    assert told.json()["data"]["state"] == "done"


def unlinked(run: Run, text: str) -> str:
    """A screen's links name its own address, and it passes its code on."""
    for name in ("session's URL", "session's URL from the login on", "result code"):
        text = text.replace(run.secrets[name], "")
    return text


def manager(run: Run) -> dict[str, str]:
    return {"Authorization": f"Token {run.secrets['manager token']}"}


def told_to_operators(run: Run) -> None:
    """A password that is wrong, then the right one, then every page that is linked."""
    login = f"{run.stack.base}/admin/login/?next=/admin/"
    with requests.Session() as session:
        for password in ("not-the-password", PASSWORD):
            session.get(login, timeout=20)
            form = {"username": "root", "password": password, "csrfmiddlewaretoken": session.cookies["csrftoken"]}
            answer = session.post(login, form, headers=cookies(session), timeout=20, allow_redirects=False)
            run.places.keep("console", answer.text)
        session.headers.update(cookies(session))
        pages = list(console_pages(session, run.stack.base))
    assert len(pages) > 100, pages
    run.places.keep("console", *(text for page in pages for text in page))


def cookies(session: requests.Session) -> dict[str, str]:
    """Though they are for https alone."""
    return {"Cookie": "; ".join(f"{cookie.name}={cookie.value}" for cookie in session.cookies)}


def stored(stack: Stack) -> Iterator[str]:
    """Every row of every table, as text."""
    tables = stack.ask("SELECT quote_ident(tablename) FROM pg_tables WHERE schemaname = 'public'")
    for (table,) in tables:
        yield from (str(row) for (row,) in stack.ask(f"SELECT t::text FROM {table} t"))


def files(directory: Path) -> list[Path]:
    """Whatever the processes leave beside their log."""
    return [path for path in directory.rglob("*") if path.is_file() and path.name != "log"]


def played(run: Run) -> None:
    operators = {"DJANGO_SUPERUSER_PASSWORD": PASSWORD, **run.environment}
    manage("createsuperuser", "--noinput", "--username=root", "--email=", environment=operators)
    run.secrets["manager token"] = manage("manager_token", "root", environment=run.environment).strip()
    partner = created(run, "keeping")
    path = f"/sandbox/{{gateway}}/transactions/{partner.create(notes=CANARY)}/complete"
    for _ in range(2):  # the second is answered from what was kept of the first
        body = {"broker": "kite", "clientId": "happy", "pin": PIN}
        keyed = partner.headers() | {"Idempotency-Key": KEY}
        assert partner.call("POST", path, body, headers=keyed, query={"wait": 20}).status == 200
    rotated(run, partner)
    assert partner.complete(partner.create(), "partial", pin=PIN, wait=20).status == 200
    walked(run, partner)
    run.receiver.wait_for(lambda hits: len(hits) >= 6)
    assert {answer.status for answer in mistaken(partner)} >= {400, 401, 404, 405, 409}
    assert 500 in {answer.status for answer in broken(run, partner)}
    assert partner.call("GET", "/manager/v1/smallcases/SCNM_0001/rebalances", headers=manager(run)).status == 404
    webhooks = "/v1/{gateway}/engine/webhooks"
    event, *_ = partner.call("GET", f"{webhooks}/events").data["events"]
    assert partner.call("POST", f"{webhooks}/events/{event['eventId']}/replay").status == 200
    assert partner.call("GET", f"{webhooks}/endpoints").status == 200
    scraped = requests.get(
        f"{run.stack.base}/metrics", headers={"Authorization": f"Bearer {METRICS_TOKEN}"}, timeout=20
    )
    assert scraped.status_code == 200
    run.places.keep("metrics", scraped.text)
    run.receiver.answer = lambda hit: 500
    partner.complete(partner.create(), "happy", pin=PIN, wait=20)


@pytest.fixture(scope="module")
def run(database_server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    database, directory = create_database(database_server, "kept", like="migrated"), tmp_path_factory.mktemp("kept")
    earlier = len(log_of(database_server))  # other tests terminate sessions, and the log then quotes their statements
    with redis_server(own=True) as queue, Receiver() as receiver, talkative(database, queue, directory) as stack:
        run = Run(stack, receiver)
        run.secrets |= {
            "PIN": PIN,
            "refused PIN": WRONG_PIN,
            "operator's password": PASSWORD,
            "database's password": DATABASE_PASSWORD,
            "queue's password": QUEUE_PASSWORD,
            "METRICS_TOKEN": METRICS_TOKEN,
            "SECRET_KEY": stack.processes.environment["SECRET_KEY"],
            "ENCRYPTION_KEYS": stack.processes.environment["ENCRYPTION_KEYS"],
        }
        with Listener(with_password(queue.url, "", QUEUE_PASSWORD)) as listener:
            played(run)
            told_to_operators(run)
        run.places.keep("queue", *listener.heard)
        run.places.keep("database", *stored(stack))
        run.places.keep("webhooks", *(f"{hit.headers} {hit.body.decode()}" for hit in receiver.hits))
        run.places.keep("log", stack.processes.log.read_text())
        run.places.keep("files", *(path.read_bytes().decode("latin-1") for path in files(directory)))
        run.places.keep("servers' logs", log_of(database_server)[earlier:], log_of(queue))
        yield run


def log_of(server: Server) -> str:
    assert server.daemon is not None
    return (server.daemon.directory / "log").read_text(errors="replace")


class TestAfterAWholeRun:
    def test_the_search_finds_what_is_there(self, run: Run) -> None:
        there = {"canary": CANARY, "task": "place_batches", "column": "UndefinedColumn", "body": '"errbacks"'}

        found = run.places.with_any(there)

        assert found["answers"] >= {"canary"}
        assert found["console"] >= {"canary"}
        assert found["database"] >= {"canary"}
        assert found["webhooks"] >= {"canary"}
        assert found["log"] >= {"canary", "task", "column"}
        assert found["queue"] >= {"task", "body"}
        assert "gateway_" in "".join(run.places.said["metrics"])
        assert run.places.said["files"]
        assert run.places.said["servers' logs"]
        assert len(run.secrets) > 30

    def test_no_secret_is_in_any_place(self, run: Run) -> None:
        assert run.places.with_any(run.secrets) == {}

    def test_what_is_sealed_is_in_its_columns_only(self, run: Run) -> None:
        assert set(run.places.with_sealed()) == {"database"}

    def test_the_answers_do_not_tell_the_software(self, run: Run) -> None:
        headers = requests.get(f"{run.stack.base}/nothing", timeout=20).headers

        assert (headers["Server"], "X-Powered-By" in headers) == ("granian", False)
