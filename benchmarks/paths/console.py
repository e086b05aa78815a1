"""The console's pages with a million orders: server time, and the number of statements compared with ten thousand.

Two databases of one server, each behind its own web. One request at a time, by Support, or by an auditor for pages that
only auditors see. The rows of the requests are spread over the whole table.
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
ASKED: Final = 50  # different rows per round
LIMIT: Final = 300  # ms
TURN: Final = 0.05  # of a round, per page
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
    """`path` below /admin/, with names of ids in braces; `every`: one batch in so many, and the first of them."""

    name: str
    path: str
    role: str = SUPPORT
    every: tuple[int, int] = (1, 1)

    def targets(self, batches: int, known: Mapping[str, object]) -> list[str]:
        """Spread evenly over all suitable batches, in a scattered order."""
        step, first = self.every
        there = (batches - first) // step + 1
        numbers = (first + step * (turn * 7_919_111 % there) for turn in range(min(there, ASKED)))
        ids = ({**known, **month.known_by(number, batches=batches)} for number in numbers)
        return list(dict.fromkeys(ADMIN + self.path.format(**each) for each in ids))


def _list(of: str, name: str, query: str = "", **more: object) -> Page:
    return Page(name, f"{LISTS[of]}{query}", **more)  # type: ignore[arg-type]  # Page's own names


def _search(of: str, by: str) -> Page:
    return _list(of, f"search {of} by {by.replace('_', ' ')}", f"?q={{{by}}}")


IN_ERROR: Final = (200, 7)  # one batch in so many, starting with that number
PAGES: Final = (
    Page("home", ""),
    _list("orders", "order list"),
    _list("orders", "order list, page 20", "?p=20"),
    _list("orders", "ERROR queue (orders in ERROR)", "?status__exact=ERROR"),
    _list("orders", "orders in ERROR of a broker, older", "?status__exact=ERROR&broker=kite&age=older"),
    _list("orders", "orders rejected", "?status__exact=REJECTED"),
    _list("orders", "orders of a status without orders", "?status__exact=CANCELLED+AMO"),
    _list("orders", "orders of the largest gateway", "?batch__gateway__id__exact={largest}"),
    _list("orders", "orders of the smallest gateway", "?batch__gateway__id__exact={smallest}"),
    _list("orders", "orders of a rare broker", "?broker=trustline"),
    _list("orders", "orders of a broker without accounts", f"?broker={month.NOBODYS_BROKER}"),
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
    _list("batches", "batches of a status without batches", "?status__exact=MARKEDCOMPLETE"),
    _list("batches", "stuck batches", "?stuck=yes"),
    _list("batches", "batches of a broker without accounts", f"?broker={month.NOBODYS_BROKER}"),
    Page("one batch with its orders", "transactions/batch/{batch_pk}/change/"),
    _list("transactions", "transaction list"),
    _list("events", "event list"),
    _list("events", "events of a type without events", "?type__exact=action.pending"),
    _list("deliveries", "delivery list"),
    _list("deliveries", "due deliveries", "?status__exact=DUE"),
    _list("deliveries", "deliveries given up", "?status__exact=GIVEN_UP"),
    _list("deliveries", "deliveries of an endpoint, given up", "?endpoint={endpoint}&status__exact=GIVEN_UP"),
    _list("attempts", "failed attempts", "?answer=5"),
    _list("attempts", "attempts of a status without attempts", "?answer=3"),
    *(_search("orders", by) for by in ("order_ref", "exchange_order_id", "batch_id", "transaction_id")),
    *(_search("orders", by) for by in ("auth_id", "ticker", "id_of_nothing")),
    _list("orders", "search orders by a ticker without orders", "?q=NOBODYS"),
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
    """Databases by name with their number of orders; `ports` of their webs; session keys by role.

    `known` are ids of objects that exist once.
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
    """Medians of the rounds; the small database only shows how much of the time is the page's own."""
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
            Side("slowest", "ms", (1000 * max(max(shot.took) for shot in large),)),
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
        path="pages that run more statements on a larger database",
        against=f"{scene.sizes['large']:,} orders to {scene.sizes['small']:,}",
        unit=f"of {len(asked)}",
        figures=(float(len(apart)),),
        target=at_most(0),
        note=f"{most} statements at most",
        held_back=", ".join(apart),
    )


def _statements(scene: Scene, page: Page) -> tuple[int, int]:
    """The number of statements in the large and in the small database, in a warm process."""
    many, few = (len(_asked(scene, page, name).captured_queries) for name in ("large", "small"))
    return many, few


def _asked(scene: Scene, page: Page, name: str) -> CaptureQueriesContext:
    """Requests twice: the first request runs statements that each process runs once."""
    client = Client(SERVER_NAME="127.0.0.1")
    client.cookies["sessionid"] = scene.sessions[page.role]
    with connected_to(name):
        for _ in range(2):
            with CaptureQueriesContext(connection) as captured:
                answer = client.get(scene.targets(page, name)[0])
            assert answer.status_code == 200, f"{page.name}: {answer.status_code}"
    return captured


def _slowest(scene: Scene, page: Page) -> str:
    """The slowest statement, and the rows that PostgreSQL reads for it."""
    queries = _asked(scene, page, "large").captured_queries
    slowest = max(queries, key=lambda one: float(one["time"]))
    whole = sum(float(one["time"]) for one in queries)
    with connected_to("large"), connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS) {slowest['sql']}")
        plan = [" ".join(line.split()) for (line,) in cursor.fetchall()]
    scans = "; ".join(line for line in plan if " Scan " in line or "Rows Removed" in line)
    return f"{slowest['time']} of {whole:.3f} s in one statement: {scans or plan[-1]}"


def _session(role: str) -> str:
    """The session key of a user who has just logged in."""
    user = User.objects.create_user(role, is_staff=True)
    user.groups.add(Group.objects.get(name=role))
    client = Client(SERVER_NAME="127.0.0.1")
    client.force_login(user)
    assert client.get(ADMIN).status_code == 200  # stores the session's start
    session = client.session
    session[SEEN] += A_DAY  # so that requests do not write to the session every other minute
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
