"""docs/scaling.md names settings, commands, metrics, files and headings that there are."""

import re
from pathlib import Path
from typing import Final

import pytest
from django.conf import settings

from benchmarks import capacity
from gateway.monitoring import metrics_collector
from gateway.telemetry import metrics
from webhooks.events import retention

ROOT: Final = Path(__file__).resolve().parent.parent
DOC: Final = (ROOT / "docs/scaling.md").read_text()
# Read by other programs than settings.py.
OF_OTHERS: Final = {"DISABLE_SERVER_SIDE_CURSORS", "DATABASE_URL", "CELERY_BROKER_MASTER"}

SETTINGS: Final = (re.compile(r"`([A-Z]+(?:_[A-Z]+)+)(?:=\w+)?`"), re.compile(r"\b([A-Z_]{6,})='?\w+:"))


def anchors(text: str) -> set[str]:
    headings = re.findall(r"(?m)^#+ (.+)$", text)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


class TestTheDocument:
    def test_names_settings_that_there_are(self) -> None:
        named = {name for pattern in SETTINGS for name in pattern.findall(DOC)}

        assert "DATABASE_POOLING" in named
        assert {name for name in named - OF_OTHERS if not hasattr(settings, name)} == set()
        assert all(f'"{name}"' in (ROOT / "gateway/settings.py").read_text() for name in OF_OTHERS)

    def test_names_metrics_that_there_are(self, transactional_db: None) -> None:
        known = set(metrics.REGISTRY._names_to_collectors) | {
            family.name for family in metrics_collector.LookedUp().collect()
        }

        assert set(re.findall(r"`(gateway_(?!web)[a-z_]+)", DOC)) - known == set()

    def test_links_to_files_and_headings_that_there_are(self) -> None:
        links = re.findall(r"\]\(([^)]*)\)", DOC)
        found = {path: (ROOT / "docs" / path) for path, *_ in (link.split("#") for link in links) if path}

        assert [path for path, where in found.items() if not where.exists()] == []
        assert {link[1:] for link in links if link.startswith("#")} <= anchors(DOC)
        assert "redis-is-lost" in anchors(found["runbook.md"].read_text())

    def test_names_tests_and_modules_that_there_are(self) -> None:
        modules = re.findall(r"python -m ([\w.]+)", DOC)

        assert all((ROOT / path).exists() for path in re.findall(r"`(tests/[\w/.]+)`", DOC))
        assert all((ROOT / f"{module.replace('.', '/')}.py").exists() for module in modules)

    def test_tells_the_queues_that_there_are(self) -> None:
        table = DOC.partition("## 6.")[2].partition("## 7.")[0]

        assert tuple(re.findall(r"(?m)^\| `(\w+)` \|", table)) == settings.QUEUES

    def test_tells_how_much_is_forgotten(self) -> None:
        assert f"{retention.CHUNK * retention.CHUNKS_AT_ONCE:,} events of a gateway at a time" in DOC

    @pytest.mark.parametrize("name", ["one_order_per_position", "owed_once_to_each_endpoint"])
    def test_names_constraints_that_there_are(self, name: str) -> None:
        models = [(ROOT / path).read_text() for path in ("transactions/models/basket_models.py", "webhooks/models.py")]

        assert any(f'name="{name}"' in text for text in models)


class TestTheCapacityModel:
    def test_has_told_what_stands_there(self, capsys: pytest.CaptureFixture[str]) -> None:
        (line,) = re.findall(r"python -m benchmarks\.capacity (.*)", DOC)

        capacity.main(line.replace("benchmarks/measured", str(ROOT / "benchmarks/measured")).split())

        told = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
        assert "\n".join(told).strip() in DOC
