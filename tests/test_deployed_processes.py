"""The image, Compose and Kubernetes start the processes of docs/deployment.md, and those of `manage.py up`."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from decimal import Decimal
from io import StringIO
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any, Final

import pytest
import yaml
from django.core.management import call_command
from django.urls import resolve

from brokers.models import Instrument
from gateway.embedded import supervisor
from gateway.monitoring import metrics_collector
from gateway.monitoring.contributions import queues

ROOT: Final = Path(__file__).resolve().parent.parent
DOCKERFILE: Final = (ROOT / "deploy/Dockerfile").read_text()
COMPOSE: Final = yaml.safe_load((ROOT / "deploy/compose.yaml").read_text())
KUSTOMIZATION: Final = yaml.safe_load((ROOT / "deploy/kubernetes/kustomization.yaml").read_text())
RESOURCES: Final = {
    (resource["kind"], resource["metadata"]["name"]): resource
    for name in KUSTOMIZATION["resources"]
    for resource in yaml.safe_load_all((ROOT / "deploy/kubernetes" / name).read_text())
}
PROCESSES: Final = ("web", "worker", "dispatcher", "beat")
SECRETS: Final = {"SECRET_KEY", "ENCRYPTION_KEYS", "METRICS_TOKEN", "DATABASE_URL", "CELERY_BROKER_URL"}
APPS: Final = ("gateway", "transactions", "smallcases", "brokers", "webhooks")
# Gossip among workers is of no use where each is told what to do by rows.
ALONE: Final = ("--without-gossip", "--without-mingle", "--without-heartbeat")
KEY: Final = "k" * 42 + "A="


def told() -> Iterator[tuple[str, list[str]]]:
    """The processes that docs/deployment.md starts."""
    section = (ROOT / "docs/deployment.md").read_text().partition("## Start the processes")[2]
    block = section.partition("```console\n")[2].partition("```")[0].replace("\\\n", " ")
    for line in re.findall(r"(?m)^\$ (python -m gateway\.web|celery)(.*)$", block):
        command = shlex.split("".join(line), comments=True)
        yield "web" if "gateway.web" in command else named(command), command


def named(command: Sequence[str]) -> str:
    """A process of Celery: a worker is called by its host name."""
    return command[command.index("--hostname") + 1].partition("@")[0] if "worker" in command else command[3]


TOLD: Final = dict(told())


def pod(kind: str, name: str) -> dict[str, Any]:
    found: dict[str, Any] = RESOURCES[kind, f"gateway-{name}"]["spec"]["template"]["spec"]
    return found


def pods() -> list[dict[str, Any]]:
    return [*(pod("Deployment", name) for name in PROCESSES), pod("Job", "migrate")]


def containers() -> list[dict[str, Any]]:
    return [one for each in pods() for one in (*each.get("initContainers", ()), *each["containers"])]


def options(command: Sequence[str]) -> dict[str, str]:
    """By name, with the value where there is one."""
    following = [*command[1:], "--"]
    return {
        name: "" if value.startswith("-") else value
        for name, value in zip(command, following, strict=True)
        if name.startswith("--")
    }


class TestEachProcess:
    def test_is_in_the_deployment_document(self) -> None:
        assert set(TOLD) == set(PROCESSES)

    @pytest.mark.parametrize("name", PROCESSES)
    def test_is_started_by_compose_as_documented(self, name: str) -> None:
        assert COMPOSE["services"][name]["command"] == TOLD[name]

    @pytest.mark.parametrize("name", PROCESSES)
    def test_is_started_by_kubernetes_as_documented(self, name: str) -> None:
        assert [one["command"] for one in pod("Deployment", name)["containers"]] == [TOLD[name]]

    def test_that_the_image_starts_by_itself_is_the_web(self) -> None:
        written = re.findall(r"(?ms)^CMD \[(.*?)\]$", DOCKERFILE)

        assert [yaml.safe_load(f"[{one}]".replace("\\\n", "")) for one in written] == [TOLD["web"]]

    @pytest.mark.parametrize(
        ("name", "started", "aside"),
        [
            ("web", supervisor.web(host="0.0.0.0", port=8000), {"--workers", "--log-level", "--log-config"}),
            ("dispatcher", supervisor.webhook_worker(), {"--quiet", "--loglevel", *ALONE}),
            ("worker", supervisor.worker(concurrency=4), {"--quiet", "--loglevel", *ALONE}),
        ],
    )
    def test_is_what_up_starts_but_for_where_it_runs(
        self, name: str, started: supervisor.Child, aside: set[str]
    ) -> None:
        here, there = options(started.command), options(TOLD[name])

        assert {name: here[name] for name in here.keys() - aside} == {
            name: there[name] for name in there.keys() - aside
        }

    def test_finds_what_is_due_where_the_beat_is_alone(self) -> None:
        beat = RESOURCES["Deployment", "gateway-beat"]["spec"]

        assert (beat["replicas"], beat["strategy"]) == (1, {"type": "Recreate"})
        assert ("HorizontalPodAutoscaler", "gateway-beat") not in RESOURCES
        assert [name for name in PROCESSES if "-B" in TOLD[name]] == []

    def test_waits_for_the_migrations(self) -> None:
        waiting = [pod("Deployment", name)["initContainers"][0]["command"][-1] for name in PROCESSES]
        migrating = [*COMPOSE["services"]["migrate"]["command"], *pod("Job", "migrate")["containers"][0]["command"]]

        assert all("manage.py migrate --check" in command for command in waiting)
        assert all(
            COMPOSE["services"][name]["depends_on"]["migrate"]["condition"] == "service_completed_successfully"
            for name in PROCESSES
        )
        assert migrating[:3] == migrating[3:]


class TestTheMigration:
    def test_may_run_at_every_release(self, instruments: None) -> None:
        Instrument.objects.filter(symbol="INFY").update(reference_price=Decimal("1234.50"))  # from a bhavcopy
        *_, script = COMPOSE["services"]["migrate"]["command"]
        for command in script.split("&&"):
            call_command(*command.split()[2:], stdout=StringIO())

        assert Instrument.objects.get(symbol="INFY").reference_price == Decimal("1234.50")

    def test_loads_instruments_into_a_new_database(self, db: None) -> None:
        call_command("load_instruments", "--unless-loaded", stdout=StringIO())

        assert Instrument.objects.count() == 219


class TestThePods:
    def test_are_nobodys_who_can_do_much(self) -> None:
        assert all(one["securityContext"]["runAsNonRoot"] and one["securityContext"]["runAsUser"] for one in pods())
        assert {one["securityContext"]["seccompProfile"]["type"] for one in pods()} == {"RuntimeDefault"}
        assert {one["automountServiceAccountToken"] for one in pods()} == {False}
        assert [one["securityContext"] for one in containers()] == [
            {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
        ] * len(containers())

    def test_have_limits(self) -> None:
        assert all(one["resources"]["requests"].keys() == {"cpu", "memory"} for one in containers())
        assert all("memory" in one["resources"]["limits"] for one in containers())

    def test_are_the_images_user(self) -> None:
        assert re.findall(r"(?m)^USER (\S+)$", DOCKERFILE) == ["10001:10001"]
        assert {(one["securityContext"]["runAsUser"], one["securityContext"]["runAsGroup"]) for one in pods()} == {
            (10001, 10001)
        }

    def test_come_by_their_secrets_by_reference(self) -> None:
        written = {name for (kind, _), one in RESOURCES.items() if kind == "ConfigMap" for name in one["data"]}

        assert written & SECRETS == set()
        assert "Secret" not in {kind for kind, _ in RESOURCES}
        assert all({"secretRef": {"name": "gateway"}} in one["envFrom"] for one in containers())

    def test_of_the_web_are_asked_at_paths_that_there_are(self) -> None:
        web = pod("Deployment", "web")["containers"][0]
        asked = {name: web[name]["httpGet"]["path"] for name in web if name.endswith("Probe")}

        assert asked == {"startupProbe": "/healthz", "livenessProbe": "/healthz", "readinessProbe": "/readyz"}
        assert all(resolve(path) for path in asked.values())

    @pytest.mark.parametrize("name", ["worker", "dispatcher"])
    def test_that_listen_are_asked_where_they_serve_their_metrics(self, name: str) -> None:
        one = pod("Deployment", name)["containers"][0]
        check = " ".join(COMPOSE["services"][name]["healthcheck"]["test"])

        assert {"name": "WORKER_METRICS_PORT", "value": "9100"} in one["env"]
        assert {"name": "metrics", "containerPort": 9100} in one["ports"]
        assert (COMPOSE["services"][name]["environment"]["WORKER_METRICS_PORT"], "9100" in check) == ("9100", True)

    @pytest.mark.parametrize("name", ["web", "worker", "dispatcher"])
    def test_are_spared_a_maintenance_and_as_many_as_needed(self, name: str) -> None:
        labels = {"app.kubernetes.io/name": "gateway", "app.kubernetes.io/component": name}
        spared = RESOURCES["PodDisruptionBudget", f"gateway-{name}"]["spec"]["selector"]["matchLabels"]
        scaled = RESOURCES["HorizontalPodAutoscaler", f"gateway-{name}"]["spec"]

        assert labels == spared
        assert scaled["scaleTargetRef"]["name"] == f"gateway-{name}"
        assert scaled["minReplicas"] >= 2
        assert "replicas" not in RESOURCES["Deployment", f"gateway-{name}"]["spec"]


class TestTheAutoscalers:
    def test_ask_for_kinds_of_work_that_the_metric_tells_apart(self) -> None:
        asked = [
            value
            for (kind, _), one in RESOURCES.items()
            if kind == "HorizontalPodAutoscaler"
            for metric in one["spec"]["metrics"]
            if metric["type"] == "External"
            for pick in metric["external"]["metric"]["selector"]["matchExpressions"]
            for value in pick["values"]
        ]

        assert sorted(asked) == ["deliver_due", "place_batches", "sync_batches"]
        assert set(asked) <= {job.value for job, _ in queues()}

    def test_ask_for_a_metric_that_the_adapter_hands_on(self, transactional_db: None) -> None:
        adapter = yaml.safe_load((ROOT / "deploy/kubernetes/prometheus-adapter.yaml").read_text())
        names = {rule["seriesQuery"] for rule in adapter["rules"]["external"]}

        assert names == {"gateway_due_rows"}
        assert names <= {family.name for family in metrics_collector.LookedUp().collect()}


class TestTheNetwork:
    @pytest.mark.parametrize("inside", ["10.1.2.3", "169.254.169.254", "192.168.0.1", "fd00::1"])
    def test_lets_couriers_reach_partners_outside_alone(self, inside: str) -> None:
        blocks = [
            part["ipBlock"]
            for rule in RESOURCES["NetworkPolicy", "gateway-dispatcher"]["spec"]["egress"]
            for part in rule["to"]
        ]

        def admits(block: dict[str, Any], address: str) -> bool:
            kept_out = (address_in(address, one) for one in block["except"])
            return address_in(address, block["cidr"]) and not any(kept_out)

        assert not any(admits(block, inside) for block in blocks)
        assert any(admits(block, "203.0.113.7") for block in blocks)


class TestTheSettings:
    def test_that_are_named_there_are(self) -> None:
        documented = set(re.findall(r"`([A-Z][A-Z_]+)`", (ROOT / "docs/configuration.md").read_text()))
        named = {name for one in COMPOSE["services"].values() for name in one.get("environment", {})}
        named |= set(RESOURCES["ConfigMap", "gateway"]["data"]) | SECRETS

        assert {name for name in named - documented if not name.startswith("POSTGRES_")} == set()

    def test_that_compose_asks_for_stand_in_its_example(self) -> None:
        wanted = set(re.findall(r"\$\{(\w+):\?", (ROOT / "deploy/compose.yaml").read_text()))
        given = dict(re.findall(r"(?m)^(\w+)=(.*)$", (ROOT / "deploy/env.example").read_text()))

        assert wanted <= given.keys()
        assert [name for name in (*SECRETS, "POSTGRES_PASSWORD") if given.get(name)] == []


class TestTheImage:
    def test_holds_all_that_runs_and_nothing_else(self, tmp_path: Path) -> None:
        image, var = tmp_path / "image", tmp_path / "var"
        for name in shipped():
            source = ROOT / name
            copy = shutil.copytree if source.is_dir() else shutil.copy
            (image / name).parent.mkdir(parents=True, exist_ok=True)
            copy(source, image / name)
        environment = {"PATH": os.environ["PATH"], "VAR_DIR": str(var), "STATIC_ROOT": str(tmp_path / "static")}
        manage = [sys.executable, "manage.py"]
        subprocess.run([*manage, "collectstatic", "--no-input"], cwd=image, env=environment, check=True)
        production = environment | {
            "GATEWAY_ENV": "production",
            "SECRET_KEY": "s" * 64,
            "ENCRYPTION_KEYS": KEY,
            "ALLOWED_HOSTS": "gateway.example",
            "DATABASE_URL": "postgres://user:password@127.0.0.1:1/gateway",
            "CELERY_BROKER_URL": "redis://127.0.0.1:1/0",
        }
        loaded = "import gateway.rsgi, gateway.celery; gateway.celery.app.loader.import_default_modules()"
        subprocess.run([sys.executable, "-c", loaded], cwd=image, env=production, check=True)

        assert (tmp_path / "static" / "admin").is_dir()
        assert (image / "deploy/granian-logging.json").is_file()
        assert {path.name for path in image.iterdir()} >= set(APPS)
        assert not any((image / name).exists() for name in ("tests", ".git", "var", ".venv", "requirements-dev.txt"))

    def test_is_made_of_tagged_ones(self) -> None:
        images = re.findall(r"(?m)^FROM (\S+)", DOCKERFILE)
        images += [one["image"] for one in COMPOSE["services"].values()]

        assert all(re.fullmatch(r"[\w/-]+:\d+\.\d+[\w.-]*", image) for image in images)
        assert len(set(re.findall(r"(?m)^FROM (\S+)", DOCKERFILE))) == 1

    def test_keeps_no_secret_in_a_layer(self) -> None:
        last = DOCKERFILE.rpartition("\nFROM ")[2]

        assert "VAR_DIR=/tmp/var" in DOCKERFILE
        assert "chmod --recursive a+rX /srv /opt/gateway\n" in DOCKERFILE  # collectstatic runs with a umask of 077
        assert re.findall(r"COPY --from=built (\S+)", last) == ["/opt/gateway", "/srv"]
        assert not any(name in DOCKERFILE for name in SECRETS)


def shipped() -> list[str]:
    """What .dockerignore lets through, on top of `*`."""
    lines = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and not line.startswith("#")]
    assert lines[0] == "*"
    return [line[1:] for line in lines if line.startswith("!")]


def address_in(address: str, network: str) -> bool:
    return ip_address(address) in ip_network(network)
