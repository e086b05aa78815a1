"""From the event to the partner, with two worker processes: deliveries per second, and the delay at half of that rate.

Against django-webhook with the same broker, database server, receiver and number of workers, and against a plain client
that posts in a loop. Workers are stopped while they get a backlog; the time runs until the last webhook arrives.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from time import monotonic
from typing import Final

from celery import current_app

from benchmarks import peers
from benchmarks.figures import Row, Side, at_least, less_than, percentile, ratios
from benchmarks.machine import busy
from benchmarks.paths.create import TABLE
from benchmarks.receiver import SLOWLY
from benchmarks.receiving import Receiver, receiving
from benchmarks.recording import PAYLOAD
from benchmarks.stage import Stage
from gateway.models import Gateway
from gateway.partners import clock
from gateway.partners.credentials import create_gateway
from gateway.queue.enqueue import TaskName
from gateway.values.ids import new_object_id
from tests.servers import ROOT
from webhooks.delivery.endpoints import add_endpoint
from webhooks.events.event_types import EventType
from webhooks.models import Delivery, Endpoint, Event

WORKERS: Final = 2
COURIERS: Final = tuple(f"dispatcher{n}" for n in range(WORKERS))
THREADS: Final = 32  # of a plain client: as many as a dispatcher's attempts in flight to one endpoint
PEER: Final = "django-webhook"
PATIENCE: Final = 300.0
BACKLOG: Final = 6_000
PEERS_BACKLOG: Final = 1_000


@dataclass(frozen=True, slots=True)
class Scene:
    stage: Stage
    receiver: Receiver
    gateway: Gateway
    peer: "Peer"


@dataclass(frozen=True, slots=True)
class Peer:
    """django-webhook with its own database and Redis database."""

    stage: Stage
    python: str
    environment: dict[str, str]

    def start(self) -> None:
        options = ["-A", "benchmarks.bare.celery", "worker", "--concurrency", str(WORKERS)]
        self.stage.start(PEER, [self.python, "-m", "celery", *options], self.environment)

    def fire(self, verb: str, told: str) -> None:
        command = [self.python, "-m", "benchmarks.bare.firing", verb, told]
        subprocess.run(command, check=True, cwd=ROOT, env=self.environment, input=json.dumps(PAYLOAD), text=True)


def measure(stage: Stage) -> Iterator[Row]:
    with receiving(stage) as receiver:
        gateway = create_gateway(name="bench", is_test=True, allowed_origins=[], now=clock.wall()).gateway
        add_endpoint(gateway=gateway, url=_url(receiver.slow), now=clock.wall())
        scene = Scene(stage, receiver, gateway, _peer(stage))
        stage.dispatchers(WORKERS)
        stage.beat()  # a dispatcher whose shift ended at a slow partner starts again at the next tick
        for port, receives in ((receiver.slow, f"in {SLOWLY * 1000:.0f} ms"), (receiver.answering, "at once")):
            yield from _rows(scene, port, f"deliveries, a receiver that answers {receives}")
        yield _half_load(scene)


def _rows(scene: Scene, port: int, path: str) -> Iterator[Row]:
    stage = scene.stage
    scene.peer.fire("prepare", _url(port))
    scene.peer.start()
    stage.wait_for_listeners(WORKERS + 1)
    Endpoint.objects.filter(gateway=scene.gateway).update(url=_url(port))
    number, fewer = stage.knobs.many(BACKLOG, least=100), stage.knobs.many(PEERS_BACKLOG, least=20)
    with stage.watched(*COURIERS) as cores:  # also opens the connections
        _ours(scene, number)
    rounds = [_round(scene, port, number, fewer) for _ in range(stage.knobs.rounds)]
    stage.stop(PEER)
    mine, theirs, plain = ([one[n] for one in rounds] for n in range(3))
    row = Row(path=path, against=f"{PEER} ({peers.PINNED[PEER].partition('==')[2]})", unit="× its deliveries/s",
              figures=ratios(mine, theirs), target=at_least(8), note=busy(cores),
              sides=(_side("gateway", mine), _side(PEER, theirs)))  # fmt: skip
    yield row.explained(lambda: stage.profile(*COURIERS, load=lambda: _ours(scene, number)))
    sides = (_side("gateway", mine), _side("plain", plain))
    against = f"a plain client's loop, {WORKERS} processes with {THREADS} threads"
    row = replace(row, against=against, figures=ratios(mine, plain), target=at_least(0.4), sides=sides, note="")
    yield row.explained(lambda: stage.profile(*COURIERS, load=lambda: _ours(scene, number)))


def _round(scene: Scene, port: int, number: int, fewer: int) -> tuple[float, float, float]:
    rates = _ours(scene, number), _theirs(scene, fewer), _plain(scene, port, number)
    scene.stage.say(f"{rates[0]:,.0f} deliveries/s, {PEER} {rates[1]:,.0f}, a plain client {rates[2]:,.0f}")
    return rates


def _ours(scene: Scene, number: int) -> float:
    with _held(scene, *COURIERS):
        _owe(scene.gateway, number)
        for _ in COURIERS:
            current_app.signature(TaskName.DELIVER.value).apply_async()
    return _arrived(scene, number)


def _theirs(scene: Scene, number: int) -> float:
    with _held(scene, PEER):
        scene.peer.fire("fire", str(number))
    return _arrived(scene, number)


def _plain(scene: Scene, port: int, number: int) -> float:
    command = [sys.executable, "-m", "benchmarks.plain", _url(port), str(number // WORKERS), str(THREADS)]
    running = [
        subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(WORKERS)
    ]
    for process in running:
        assert process.stdout
        print(json.dumps(PAYLOAD | {"recordedAt": 0.0}), file=process.stdin, flush=True)
        process.stdout.readline()
    scene.receiver.heard()
    began, sent = monotonic(), number // WORKERS * WORKERS
    for process in running:
        print(file=process.stdin, flush=True)
    heard = scene.receiver.wait_for(sent, seconds=PATIENCE)
    for process in running:
        process.communicate()
    return sent / (heard.last - began)


@contextmanager
def _held(scene: Scene, *names: str) -> Iterator[None]:
    """Stopped while they get their backlog; the receiver has counted nothing yet."""
    for name in names:
        scene.stage.processes.pause(name)
    yield
    scene.receiver.heard()
    for name in names:
        scene.stage.processes.resume(name)


def _arrived(scene: Scene, number: int) -> float:
    began = monotonic()
    heard = scene.receiver.wait_for(number, seconds=PATIENCE)
    return number / (heard.last - began)


def _owe(gateway: Gateway, number: int) -> None:
    """Events with due deliveries to the gateway's endpoint."""
    now, endpoint = clock.wall(), Endpoint.objects.get(gateway=gateway)
    events = Event.objects.bulk_create(
        [
            Event(
                gateway=gateway,
                key=f"evt_{new_object_id()}",
                type=EventType.ORDER_PLACED.value,
                subject=new_object_id(),
                sequence=1,
                payload=PAYLOAD | {"recordedAt": now.timestamp()},
                created_at=now,
            )
            for _ in range(number)
        ],
        batch_size=1_000,
    )
    Delivery.objects.bulk_create(
        [Delivery(gateway=gateway, event=one, endpoint=endpoint, due_at=now, leased_until=now) for one in events],
        batch_size=1_000,
    )


def _half_load(scene: Scene) -> Row:
    """Events recorded one by one, like those of batches, at half of the rate just measured."""
    stage = scene.stage
    most = _ours(scene, stage.knobs.many(BACKLOG, least=100))
    middles, tails, rates = [], [], []
    for _ in range(stage.knobs.rounds):
        scene.receiver.heard()
        rates.append(_recorded(stage, most / 2))
        took = scene.receiver.wait_for(round(rates[-1] * stage.knobs.seconds * 0.99), seconds=60).took
        middles.append(1000 * percentile(took, 0.5))
        tails.append(1000 * percentile(took, 0.99))
    row = Row(
        path="event → receiver at half load",
        against="a limit, p50",
        unit="ms",
        figures=tuple(middles),
        target=less_than(100),
        sides=(Side("p99", "ms", tuple(tails)), Side("requested", "events/s", (most / 2,)),
               Side("recorded", "events/s", tuple(rates))),
    )  # fmt: skip
    return row.explained(lambda: stage.profile(*COURIERS, load=lambda: _recorded(stage, most / 2)))


def _recorded(stage: Stage, rate: float) -> float:
    """Events recorded per second, by two processes."""
    seconds = stage.knobs.seconds
    command = [sys.executable, "-m", "benchmarks.recording", "bench", str(rate / 2), str(seconds)]
    running = [
        subprocess.Popen(command, cwd=ROOT, env=stage.environment, stdout=subprocess.PIPE, text=True) for _ in range(2)
    ]
    return sum(int(process.communicate()[0]) for process in running) / seconds


def _peer(stage: Stage) -> Peer:
    python = peers.installed(PEER, say=stage.say).python
    url = stage.another_database("hooks", like="template0")
    stage.execute(TABLE, database=url)
    more = {
        "DATABASE_URL": url,
        "CELERY_BROKER_URL": f"{stage.queue.url.rpartition('/')[0]}/1",
        "DJANGO_SETTINGS_MODULE": "benchmarks.bare.hooks",
    }
    return Peer(stage, python, stage.environment | more)


def _url(port: int) -> str:
    return f"http://127.0.0.1:{port}/hooks"


def _side(name: str, rounds: list[float]) -> Side:
    return Side(name, "deliveries/s", tuple(rounds))
