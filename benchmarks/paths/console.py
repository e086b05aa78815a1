"""The console's pages among a million orders: the server's time, and how many statements against ten thousand.

Two databases of one server, each behind a web of its own; one request at a time, of Support, and of an auditor where
only they may look. What a page is asked about jumps from end to end of the table.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from django.contrib.auth.models import Group, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from benchmarks import month
from benchmarks.figures import Row, Side, at_most, interleaved, less_than
from benchmarks.load import request, shoot
from benchmarks.machine import busy
from benchmarks.stage import Stage, connected_to
from gateway.identity.roles import AUDITORS, SUPPORT
from gateway.identity.session_timeout import SEEN
from gateway.models import Gateway
from webhooks.models import Endpoint

SMALL: Final = 10_000  # orders
LARGE: Final = 1_000_000
ASKED: Final = 50  # different ones in a round
LIMIT: Final = 300  # ms
TURN: Final = 0.05  # of a round, for one page
ADMIN: Final = "/admin/"
A_DAY: Final = 86_400  # seconds
LISTS: Final = {
    "orders": "transactions/order/",
    "batches": "transactions/batch/",
    "transactions": "transactions/transaction/",
    "corrections": "transactions/ordercorrection/",
    "desk": "transactions/ordercorrection/desk/",
    "events": "webhooks/event/",
    "deliveries": "webhooks/delivery/",
    "attempts": "webhooks/attempt/",
    "accounts": "gateway/account/",
    "investments": "smallcases/investment/",
    "audit": "gateway/auditentry/",
}


@dataclass(frozen=True, slots=True)
class Page:
    """`path` below /admin/, with names of ids in braces; `every`: every so manyth batch, and the first of them."""

    name: str
    path: str
    role: str = SUPPORT
    every: tuple[int, int] = (1, 1)

    def targets(self, batches: int, known: Mapping[str, object]) -> list[str]:
        """Spread evenly over all batches that it can be asked about, in an order that jumps."""
        step, first = self.every
        there = (batches - first) // step + 1
        numbers = (first + step * (turn * 7_919_111 % there) for turn in range(min(there, ASKED)))
        ids = ({**known, **month.known_by(number, batches=batches)} for number in numbers)
        return list(dict.fromkeys(ADMIN + self.path.format(**each) for each in ids))


def _list(of: str, name: str, query: str = "", **more: object) -> Page:
    return Page(name, f"{LISTS[of]}{query}", **more)  # type: ignore[arg-type]  # Page's own names


def _search(of: str, by: str) -> Page:
    return _list(of, f"search {of} by {by.replace('_', ' ')}", f"?q={{{by}}}")


IN_ERROR: Final = (200, 7)  # every so manyth batch, beginning with that one
PAGES: Final = (
    Page("home", ""),
    _list("orders", "order list"),
    _list("orders", "order list, page 20", "?p=20"),
    _list("orders", "ERROR queue (orders in ERROR)", "?status__exact=ERROR"),
    _list("orders", "orders in ERROR of a broker, older", "?status__exact=ERROR&broker=kite&age=older"),
    _list("orders", "orders rejected", "?status__exact=REJECTED"),
    _list("orders", "orders of a status that none has", "?status__exact=CANCELLED+AMO"),
    _list("orders", "orders of the largest gateway", "?batch__gateway__id__exact={largest}"),
    _list("orders", "orders of the smallest gateway", "?batch__gateway__id__exact={smallest}"),
    _list("orders", "orders of a rare broker", "?broker=trustline"),
    _list("orders", "orders of a broker that nobody has", f"?broker={month.NOBODYS_BROKER}"),
    Page("one order", "transactions/order/{order_pk}/change/"),
    _list("desk", "reconciliation desk's queue"),
    _list("desk", "reconciliation desk, of the smallest gateway", "?gateway=small"),
    _list("desk", "reconciliation desk, of a broker", "?broker=groww"),
    Page("one order on the desk", "transactions/ordercorrection/desk/orders/{order_pk}/", every=IN_ERROR),
    _list("corrections", "corrections"),
    _list("corrections", "corrections in force", "?state__exact=APPLIED"),
    _list("corrections", "corrections waiting for approval", "?state__exact=PROPOSED"),
    _list("batches", "batch list"),
    _list("batches", "batches in ERROR", "?status__exact=ERROR"),
    _list("batches", "batches of a status that none has", "?status__exact=MARKEDCOMPLETE"),
    _list("batches", "batches that are stuck", "?stuck=yes"),
    _list("batches", "batches of a broker that nobody has", f"?broker={month.NOBODYS_BROKER}"),
    Page("one batch with its orders", "transactions/batch/{batch_pk}/change/"),
    _list("transactions", "transaction list"),
    _list("events", "event list"),
    _list("events", "events of a type that there is none of", "?type__exact=action.pending"),
    _list("deliveries", "delivery list"),
    _list("deliveries", "deliveries that are due", "?status__exact=DUE"),
    _list("deliveries", "deliveries given up", "?status__exact=GIVEN_UP"),
    _list("deliveries", "deliveries of an endpoint, given up", "?endpoint={endpoint}&status__exact=GIVEN_UP"),
    _list("attempts", "attempts that failed", "?answer=5"),
    _list("attempts", "attempts of an answer that none got", "?answer=3"),
    *(_search("orders", by) for by in ("order_ref", "exchange_order_id", "batch_id", "transaction_id")),
    *(_search("orders", by) for by in ("auth_id", "ticker", "id_of_nothing")),
    _list("orders", "search orders by a ticker that nobody has ordered", "?q=NOBODYS"),
    *(_search("batches", by) for by in ("batch_id", "transaction_id", "auth_id", "id_of_nothing")),
    *(_search("transactions", by) for by in ("transaction_id", "batch_id", "auth_id")),
    *(_search("corrections", by) for by in ("order_ref", "exchange_order_id")),
    *(_search("accounts", by) for by in ("auth_id", "client_id", "id_of_nothing")),
    *(_search("investments", by) for by in ("iscid", "auth_id")),
    *(_search("events", by) for by in ("event_id", "batch_id", "transaction_id", "auth_id", "request_id")),
    _search("events", "id_of_nothing"),
    *(_search("deliveries", by) for by in ("event_id", "batch_id", "id_of_nothing")),
    _search("attempts", "event_id"),
    _list("audit", "audit trail", role=AUDITORS),
    _list("audit", "audit trail, search by batch id", "?q={batch_id}", role=AUDITORS),
    _list("audit", "audit trail, of the last day", "?when=1", role=AUDITORS),
)


@dataclass(frozen=True, slots=True)
class Scene:
    """Databases by name with the orders in each; `ports` of their webs; keys of sessions by role.

    `known` are ids of what there is one of.
    """

    stage: Stage
    sizes: Mapping[str, int]
    ports: Mapping[str, int]
    sessions: Mapping[str, str]
    known: Mapping[str, object]

    def targets(self, page: Page, name: str) -> list[str]:
        return page.targets(self.sizes[name] // month.ORDERS, self.known)

    def requests(self, page: Page, name: str) -> list[bytes]:
        headers = {"cookie": f"sessionid={self.sessions[page.role]}"}
        return [request("GET", target, headers=headers) for target in self.targets(page, name)]


def measure(stage: Stage) -> Iterator[Row]:
    month.prepare()
    sessions = {role: _session(role) for role in (SUPPORT, AUDITORS)}
    support = User.objects.get(username=SUPPORT)
    sizes = {"small": SMALL, "large": max(stage.knobs.of_rows(LARGE), 2 * SMALL)}
    for name in sizes:
        stage.another_database(name)
    for name, orders in sizes.items():
        month.fill(stage, name, orders, user=support)
    root = stage.database.url.rpartition("/")[0]
    ports = {name: stage.web(name=name, workers=1, DATABASE_URL=f"{root}/{name}") for name in sizes}
    scene = Scene(stage, sizes, ports, sessions, _known())
    asked = {page.name: _statements(scene, page) for page in PAGES}
    for page in PAGES:
        yield _row(scene, page, asked[page.name])
    yield _constant(scene, asked)


def _row(scene: Scene, page: Page, statements: Sequence[int]) -> Row:
    """Medians of the rounds; `small` only says what of it is the page's own work."""
    seconds, few = scene.stage.knobs.seconds * TURN, f"among {scene.sizes['small']:,}"
    shots = {
        name: partial(shoot, port, scene.requests(page, name), seconds=seconds, connections=1)
        for name, port in scene.ports.items()
    }
    for warm_up in shots.values():
        warm_up()
    with scene.stage.watched(*scene.ports) as cores:
        large, small = interleaved(scene.stage.knobs.rounds, shots["large"], shots["small"])
    row = Row(
        path=page.name,
        against=f"a limit, {scene.sizes['large']:,} orders",
        unit="ms, median",
        figures=tuple(1000 * shot.p50 for shot in large),
        target=less_than(LIMIT),
        sides=(
            Side("the slowest", "ms", (1000 * max(max(shot.took) for shot in large),)),
            Side(few, "ms", tuple(1000 * shot.p50 for shot in small)),
        ),
        note=f"{statements[0]} statements, {few} {statements[1]}; {busy(cores)}",
    )
    scene.stage.say(f"{page.name}: {row.shown} ms, {row.sides[1]}")
    return row.explained(lambda: _slowest(scene, page))


def _constant(scene: Scene, asked: Mapping[str, Sequence[int]]) -> Row:
    apart = [f"{name} ({few} → {many})" for name, (many, few) in asked.items() if many != few]
    most = max(many for many, _ in asked.values())
    return Row(
        path="pages that ask more of a larger database",
        against=f"{scene.sizes['large']:,} orders to {scene.sizes['small']:,}",
        unit=f"of {len(asked)}",
        figures=(float(len(apart)),),
        target=at_most(0),
        note=f"{most} statements at most",
        held_back=", ".join(apart),
    )


def _statements(scene: Scene, page: Page) -> tuple[int, int]:
    """How many a page takes in the large database, and in the small one, once the process is warm."""
    many, few = (len(_asked(scene, page, name).captured_queries) for name in ("large", "small"))
    return many, few


def _asked(scene: Scene, page: Page, name: str) -> CaptureQueriesContext:
    """Twice: the first time it learns what every process asks for once."""
    client = Client(SERVER_NAME="127.0.0.1")
    client.cookies["sessionid"] = scene.sessions[page.role]
    with connected_to(name):
        for _ in range(2):
            with CaptureQueriesContext(connection) as captured:
                answer = client.get(scene.targets(page, name)[0])
            assert answer.status_code == 200, f"{page.name}: {answer.status_code}"
    return captured


def _slowest(scene: Scene, page: Page) -> str:
    """The statement that takes longest, and which rows PostgreSQL goes through for it."""
    queries = _asked(scene, page, "large").captured_queries
    slowest = max(queries, key=lambda one: float(one["time"]))
    whole = sum(float(one["time"]) for one in queries)
    with connected_to("large"), connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS) {slowest['sql']}")
        plan = [" ".join(line.split()) for (line,) in cursor.fetchall()]
    scans = "; ".join(line for line in plan if " Scan " in line or "Rows Removed" in line)
    return f"{slowest['time']} of {whole:.3f} s in one statement: {scans or plan[-1]}"


def _session(role: str) -> str:
    """Of somebody who has just logged in; its key."""
    user = User.objects.create_user(role, is_staff=True)
    user.groups.add(Group.objects.get(name=role))
    client = Client(SERVER_NAME="127.0.0.1")
    client.force_login(user)
    assert client.get(ADMIN).status_code == 200  # from now on it is known when it began
    session = client.session
    session[SEEN] += A_DAY  # that it is in use is not written down every other minute
    session.save()
    return str(session.session_key)


def _known() -> dict[str, object]:
    gateways = dict(Gateway.objects.values_list("name", "pk"))
    return {
        "largest": gateways["large"],
        "smallest": gateways["small"],
        "endpoint": Endpoint.objects.get(gateway__name="third").pk,
        "ticker": "WIPRO",
    }
