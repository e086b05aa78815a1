"""`make upgrade`: a database of the last release, with work in its queue, is migrated and worked off by this tree.

usage: python -m tests.upgrade [sqlite] [servers]

Unpacks the last release from the repository's history, lets it serve, and stops its workers while there is work:
batches to place and to poll, webhooks to deliver, a rebalance to announce. Then this tree migrates the same database
and starts on the same queue. Nothing may be lost or done twice, no group may lose a permission, no old answer may
change.
"""

import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import redis
import requests

from gateway.demo.partner_client import PartnerClient
from gateway.embedded import supervisor
from tests.processes.stack import Processes, bare_environment, healthy, manage
from tests.processes.waiting import until
from tests.programs import ROOT, Unobtainable
from tests.receiver import Hit, Receiver
from tests.servers import free_port, postgres, redis_server

RELEASE: Final = "defab68"  # the last release; a tag, once there is one
MISSING: Final = f"The last release, {RELEASE}, is not in this clone. Run `git fetch --unshallow`, then this again."
BUY: Final = [{"ticker": "INFY", "quantity": 5, "type": "BUY"}, {"ticker": "TCS", "quantity": 5, "type": "BUY"}]
SCID: Final = "SCMA_0001"
OLD: Final = ("done", "lost", "undelivered")  # their answers do not change any more
# What an answer has of the moment: signed tokens, and what follows from prices. And what is new in an answer.
MOVING: Final = {"smallcaseAuthToken", "returns", "weight", "stats", "expired", "reconnect"}
# Permissions that were renamed with what they are for.
RENAMED: Final = {
    "approve_settlement": "approve_correction",
    **{f"{verb}_settlement": f"{verb}_ordercorrection" for verb in ("add", "change", "delete", "view")},
    **{f"{verb}_announcement": f"{verb}_rebalancenotice" for verb in ("add", "change", "delete", "view")},
    **{f"{verb}_pricepin": f"{verb}_priceoverride" for verb in ("add", "change", "delete", "view")},
}
MAKE_PEOPLE: Final = """
from django.contrib.auth.models import Group, Permission, User
from django.test import Client
from webhooks.models import Endpoint
Endpoint.objects.update(types=["order.placed", "order.updated", "order.completed", "action.pending"])
asha = User.objects.create_superuser("asha", password="a long enough password")
desk = Group.objects.create(name="Night desk")
desk.permissions.set(Permission.objects.filter(codename__in=[
    "view_settlement", "approve_settlement", "reconcile_order", "view_announcement", "view_pricepin"]))
User.objects.create_user("ravi").groups.add(desk)
client = Client()
client.force_login(asha)
print(client.cookies["sessionid"].value)
"""
RIGHTS: Final = """
import json
from django.contrib.auth.models import Group
held = {group.name: sorted(group.permissions.values_list("codename", flat=True)) for group in Group.objects.all()}
print(json.dumps(held))
"""


class Failed(Exception):
    """A check that does not hold."""


@dataclass
class Run:
    """The same database, queue and partner, served by one release and then by the other."""

    environment: dict[str, str]
    folder: Path
    receiver: Receiver
    port: int = field(default_factory=free_port)
    partner: PartnerClient = field(init=False)
    transactions: dict[str, str] = field(default_factory=dict)  # by what they wait for
    token: str = ""
    iscid: str = ""

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def manage(self, root: Path, *arguments: str) -> str:
        return manage(*arguments, environment=self.environment, root=root)

    @contextmanager
    def served_by(self, root: Path) -> Iterator[Processes]:
        """The web alone; workers are started by `work`."""
        with Processes(self.environment, self.folder / f"{root.name}.log", root) as processes:
            processes.start("web", supervisor.web(host="127.0.0.1", port=self.port).command)
            until(lambda: healthy(self.base), what=f"serving; its log is {processes.log}", seconds=120)
            yield processes

    def play(self, name: str, client: str, *, wait: int = 0, **user: Any) -> None:
        """A basket, or an order on a smallcase where `amount` is given, as far as its user has a part in it."""
        order = {"type": "BUY", "scid": SCID}
        made = self.partner.create_order(order) if user else self.partner.create(notes=name, securities=BUY)
        response = self.partner.play_user(made, client, wait=wait, **user)
        self.transactions[name] = made
        if user:
            self.token, self.iscid = response["smallcaseAuthToken"], response["iscid"]

    def batch(self, name: str) -> dict[str, Any]:
        """Nothing before it is placed."""
        batches = self.partner.details(self.transactions[name]).get("success", {}).get("orderBatches")
        return dict(batches[0]) if batches else {}

    def reaches(self, name: str, status: str) -> None:
        until(lambda: self.batch(name).get("status") == status, seconds=120, what=f"{status}, the batch {name}")

    def events(self, name: str) -> list[str]:
        mine = [hit for hit in self.receiver.hits if hit.json.get("transactionId") == self.transactions[name]]
        return [hit.json["status"] for hit in sorted(mine, key=lambda hit: int(hit.headers["x-gateway-sequence"]))]

    def hears_of(self, name: str) -> None:
        until(lambda: "COMPLETED" in self.events(name), seconds=60, what=f"the last webhook of {name}")

    def answers(self, names: Sequence[str]) -> dict[str, Any]:
        """What the API says of old transactions, batches and investments."""
        bought = self.batch("bought")["batchId"]
        return {
            **{f"transaction {name}": self.partner.details(self.transactions[name]) for name in ("bought", *names)},
            **{f"orders {name}": self.partner.orders(self.batch(name)["batchId"]) for name in names},
            "orders bought": self.partner.smallcase_orders(bought),
            "untouched": self.partner.details(self.transactions["untouched"]),
            "investments": self.partner.investments(self.iscid, token=self.token),
        }


WORK: Final = {"worker": supervisor.worker().command, "webhooks": supervisor.webhook_worker().command}


def work(processes: Processes) -> None:
    for name, command in WORK.items():
        processes.start(name, command)


def before(run: Run, old: Path) -> tuple[dict[str, Any], dict[str, list[str]]]:
    """The last release works, and is stopped in the middle. What its API said, and who may what."""
    for command in (("migrate", "--verbosity=0"), ("load_instruments",), ("load_smallcases",)):
        run.manage(old, *command)
    made = json.loads(run.manage(old, "create_gateway", "upgrade", "--json", "--webhook-url", run.receiver.url))
    run.partner = PartnerClient(run.base, "upgrade", made["apiSecret"], made["jwtSecret"])
    session = run.manage(old, "shell", "-c", MAKE_PEOPLE).split()[-1]
    with run.served_by(old) as processes:
        work(processes)
        run.play("done", "happy-1", wait=30)
        run.play("bought", "happy-2", wait=30, amount=100_000)
        run.play("lost", "lost-contact-1")
        run.reaches("lost", "PLACED")
        until(lambda: len(run.events("lost")) >= 2, what="the webhook of the order that its broker reported")
        run.partner.advance_clock("PT10S")
        run.reaches("lost", "ERROR")
        correct(run, session)
        run.hears_of("lost")
        run.play("polling", "slow-1")
        run.reaches("polling", "PLACED")
        until(lambda: run.events("polling"), what="the first webhook of the slow batch")
        processes.kill("webhooks")
        run.play("undelivered", "happy-3", wait=30)
        processes.kill("worker")
        run.play("queued", "happy-4")
        run.transactions["untouched"] = run.partner.create(notes="untouched", securities=BUY)
        publish(run, old)
        check("the batch of the confirmed order", run.batch("queued").get("status", "not placed"), "not placed")
        check("its webhooks wait", run.events("undelivered"), [])
        answers = run.answers(OLD)
    return answers, json.loads(run.manage(old, "shell", "-c", RIGHTS).splitlines()[-1])


def correct(run: Run, session: str) -> None:
    """Support says what became of the order with the unknown outcome, on the desk's own pages."""
    desk = requests.Session()
    desk.cookies["sessionid"] = session
    queue = f"{run.base}/admin/transactions/settlement/desk/"
    (order,) = set(re.findall(r"desk/orders/(\d+)/", desk.get(queue, timeout=30).text))
    url = f"{queue}orders/{order}/"
    page = desk.get(url, timeout=30)
    form = {
        "csrfmiddlewaretoken": _hidden("csrfmiddlewaretoken", page.text),
        "status": "COMPLETE",
        "filled_quantity": "5",
        "average_price": "3000",
        "exchange_order_id": "1100000000000001",
        "error_code": "",
        "reason": "The client's contract note.",
    }
    preview = desk.post(url, form | {"preview": "1"}, timeout=30)
    desk.post(url, form | {"confirm": "1", "seen": _hidden("seen", preview.text)}, timeout=30)
    run.reaches("lost", "COMPLETED")


def _hidden(name: str, page: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]+)"', page)
    if found is None:
        raise Failed(f"The page has no field {name}.")
    return found[1]


def publish(run: Run, old: Path) -> None:
    lines = run.partner.smallcase(SCID)["constituents"]
    weights = [round(line["weight"] * 100, 4) for line in lines]
    turned = [{"ticker": a["ticker"], "weight": w} for a, w in zip(lines, weights[1:] + weights[:1], strict=True)]
    file = run.folder / "rebalance.json"
    file.write_text(json.dumps(turned))
    run.manage(old, "publish_rebalance", SCID, str(file), "--label", "Upgrade")


def after(run: Run, answers: Mapping[str, Any], rights: Mapping[str, list[str]]) -> None:
    print(f"  the queue holds {waiting(run)} messages of the last release")
    run.manage(ROOT, "migrate", "--verbosity=0")
    now = json.loads(run.manage(ROOT, "shell", "-c", RIGHTS).splitlines()[-1])
    had = {group: sorted(RENAMED.get(codename, codename) for codename in held) for group, held in rights.items()}
    kept = {group: sorted(set(now.get(group, ())) & set(held)) for group, held in had.items()}
    check("permissions of groups", kept, had)  # besides those of new models
    with run.served_by(ROOT) as processes:
        check("answers of the API", run.answers(OLD), answers)
        work(processes)
        run.reaches("queued", "COMPLETED")
        run.partner.advance_clock("PT10M")
        run.reaches("polling", "COMPLETED")
        for name, wanted in (
            ("queued", ["PLACED", "COMPLETED"]),
            ("undelivered", ["PLACED", "COMPLETED"]),
            ("done", ["PLACED", "COMPLETED"]),
        ):
            run.hears_of(name)
            check(f"webhooks of the batch that is {name}", run.events(name), wanted)
        run.hears_of("polling")
        until(lambda: _notices(run), seconds=60, what="the notice of the rebalance")
        check("answers of the API, once all is done", run.answers(OLD), answers)
        run.partner.advance_clock("PT26H")  # a corrected order's broker is polled for a day
        settled = until_settled(run)
    print(f"  doctor --settled: {settled.strip().splitlines()[-1]}")
    check("notices of the rebalance", len(_notices(run)), 1)
    # The old dispatcher is killed right after the first webhook of `polling`, maybe before it recorded the response.
    others = [hit for hit in run.receiver.hits if hit.json.get("transactionId") != run.transactions["polling"]]
    twice = [key for key, count in Counter(hit.headers["webhook-id"] for hit in others).items() if count > 1]
    check("webhooks that came twice", twice, [])


def until_settled(run: Run, *, looks: int = 5) -> str:
    """What the doctor prints once it finds nothing. Raises AssertionError with what it still finds."""
    for _ in range(looks - 1):
        with suppress(AssertionError):
            return run.manage(ROOT, "doctor", "--settled")
    return run.manage(ROOT, "doctor", "--settled")


def _notices(run: Run) -> list[Hit]:
    return [hit for hit in run.receiver.hits if hit.json.get("action") == "REBALANCE"]


def waiting(run: Run) -> int:
    url = run.environment.get("CELERY_BROKER_URL", "")
    if not url:
        return len(list((Path(run.environment["VAR_DIR"]) / "queue" / "messages").iterdir()))
    with redis.Redis.from_url(url) as client:
        return sum(int(client.llen(name)) for name in ("gateway", "deliveries"))


def check(what: str, got: object, wanted: object) -> None:
    differences = list(_differences(got, wanted))
    if differences:
        raise Failed(f"{what}: {'; '.join(differences[:5])}")
    print(f"  {what}: as before" if isinstance(wanted, dict) else f"  {what}: {wanted}", flush=True)


def _differences(got: object, wanted: object, at: str = "") -> Iterator[str]:
    if isinstance(got, dict) and isinstance(wanted, dict):
        for key in sorted(wanted.keys() - MOVING):  # a release may add keys
            yield from _differences(got.get(key), wanted.get(key), f"{at} {key}")
    elif isinstance(got, list) and isinstance(wanted, list) and len(got) == len(wanted):
        for number, (one, other) in enumerate(zip(got, wanted, strict=True)):
            yield from _differences(one, other, f"{at} {number}")
    elif got != wanted:
        yield f"{at}: expected {wanted}, got {got}".strip(": ")


def unpacked(folder: Path) -> Path:
    """The last release's tree. Raises Failed where the history is not here."""
    known = subprocess.run(
        ["git", "cat-file", "-e", f"{RELEASE}^{{commit}}"], cwd=ROOT, check=False, capture_output=True
    )
    if known.returncode:
        raise Failed(MISSING)
    old = folder / "last-release"
    old.mkdir()
    packed = subprocess.run(["git", "archive", RELEASE], cwd=ROOT, check=True, capture_output=True)
    subprocess.run(["tar", "-x", "-C", str(old)], input=packed.stdout, check=True)
    if (old / "requirements.txt").read_bytes() != (ROOT / "requirements.txt").read_bytes():
        print("The last release has other requirements. It runs with those of this tree.")
    return old


def upgraded(name: str, old: Path, folder: Path, **servers: str) -> None:
    print(name, flush=True)
    limits = dict.fromkeys(("RATE_LIMIT_GATEWAY", "RATE_LIMIT_ACCOUNT", "RATE_LIMIT_WRONG_SECRETS"), "")
    environment = bare_environment(VAR_DIR=str(folder / "var"), DEMO_PORT="0", LOG_LEVEL="WARNING", **limits, **servers)
    folder.mkdir()
    with Receiver() as receiver:
        run = Run(environment, folder, receiver)
        after(run, *before(run, old))


def main(arguments: Sequence[str]) -> int:
    if {"-h", "--help"} & set(arguments) or set(arguments) - {"sqlite", "servers"}:
        print((__doc__ or "").strip())
        return 0 if {"-h", "--help"} & set(arguments) else 2
    chosen = arguments or ("sqlite", "servers")
    try:
        with TemporaryDirectory() as folder, ExitStack() as ending:
            old = unpacked(Path(folder))
            if "sqlite" in chosen:
                upgraded("SQLite and a queue of files", old, Path(folder) / "sqlite")
            if "servers" in chosen:
                database, queue = (ending.enter_context(one) for one in (postgres(own=True), redis_server(own=True)))
                servers = {"DATABASE_URL": database.url, "CELERY_BROKER_URL": queue.url}
                upgraded(f"{database.name} and {queue.name}", old, Path(folder) / "servers", **servers)
    except (Failed, AssertionError, Unobtainable) as failure:
        print(f"Failed: {failure}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
