"""What operators are given beside the code: a dashboard, alerts, a runbook. They name what there is."""

import json
import logging
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import yaml
from prometheus_client import Counter, Histogram, Summary

from gateway.monitoring import metrics_collector
from gateway.queue.enqueue import TaskName
from gateway.telemetry import metrics

ROOT: Final = Path(__file__).resolve().parent.parent
DASHBOARD: Final = json.loads((ROOT / "deploy/grafana/gateway.json").read_text())
ALERTS: Final = yaml.safe_load((ROOT / "deploy/prometheus/alerts.yml").read_text())
RUNBOOK: Final = (ROOT / "docs/runbook.md").read_text()
OF_PROMETHEUS: Final = {"up"}
NAME: Final = re.compile(r"\b(?:gateway_[a-z_]+|up)\b")
LABELS: Final = re.compile(r"(gateway_[a-z_]+)\{([^}]*)\}")


def rules() -> list[dict[str, Any]]:
    return [rule for group in ALERTS["groups"] for rule in group["rules"]]


def panels() -> list[dict[str, Any]]:
    return [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]


def questions() -> Iterator[tuple[str, str]]:
    """Who asks, and what."""
    yield from ((rule["alert"], rule["expr"]) for rule in rules())
    yield from ((panel["title"], target["expr"]) for panel in panels() for target in panel["targets"])


@pytest.fixture
def exported(transactional_db: None) -> dict[str, set[str]]:
    """The labels of each metric, as it is called in a scrape."""
    counted = {
        name: set(metric._labelnames)
        for metric in vars(metrics).values()
        if isinstance(metric, Counter | Histogram | Summary)
        for name in metrics.REGISTRY._collector_to_names[metric]
    }
    looked_up = {
        family.name: set(family.samples[0].labels)
        for family in metrics_collector.LookedUp().collect()
        if family.samples
    }
    return {name: labels | {"le"} for name, labels in counted.items()} | looked_up


class TestEveryQuestion:
    def test_is_about_metrics_that_there_are(self, exported: dict[str, set[str]]) -> None:
        asked = {name for _, question in questions() for name in NAME.findall(question)}

        assert asked - OF_PROMETHEUS - set(exported) == set()

    def test_picks_by_labels_that_there_are(self, exported: dict[str, set[str]]) -> None:
        picked = [
            (name, label)
            for _, question in questions()
            for name, inside in LABELS.findall(question)
            for label in re.findall(r"([a-z_]+)[=!]", inside)
        ]

        assert [(name, label) for name, label in picked if label not in exported[name]] == []

    def test_knows_the_kinds_and_outcomes_it_picks(self) -> None:
        picked = {
            value
            for _, question in questions()
            for kind in re.findall(r'(?:kind|outcome)!?=~?"([^"]*)"', question)
            for value in kind.split("|")
        }

        assert picked <= {task.value for task in TaskName} | {"delivered", "failed", "given_up", "succeeded"}


class TestTheDashboard:
    def test_has_a_title_and_a_question_in_every_panel(self) -> None:
        assert len(panels()) > 20
        assert all(panel["title"] and panel["targets"] for panel in panels())
        assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])

    def test_asks_the_source_that_its_reader_chooses(self) -> None:
        assert {panel["datasource"]["uid"] for panel in panels()} == {"${datasource}"}

    def test_shows_every_metric(self, exported: dict[str, set[str]]) -> None:
        shown = {name for panel in panels() for target in panel["targets"] for name in NAME.findall(target["expr"])}
        families = {re.sub(r"_(bucket|sum|count|created|total)$", "", name) for name in exported}

        missing = families - {re.sub(r"_(bucket|sum|count|total)$", "", name) for name in shown}
        assert missing == {"gateway_bells_lost"}  # the last release's name of gateway_messages_lost


class TestTheAlerts:
    def test_each_have_a_section_of_their_name_that_says_what_to_do(self) -> None:
        sections = dict(re.findall(r"(?ms)^### (\w+)$(.*?)(?=^##|\Z)", RUNBOOK))

        assert set(sections) == {rule["alert"] for rule in rules()}
        for part in ("**Means**", "**See**", "**Do**", "**Over when**"):
            assert [name for name, section in sections.items() if part not in section] == []

    def test_say_how_bad_it_is_in_a_sentence(self) -> None:
        assert {rule["labels"]["severity"] for rule in rules()} == {"critical", "warning", "info"}
        assert all(rule["annotations"]["summary"].endswith(".") for rule in rules())


class TestTheRunbook:
    def test_names_only_files_and_commands_that_there_are(self) -> None:
        linked = [target for target in re.findall(r"\]\(([^)#:]+)\)", RUNBOOK) if target]
        commands = set(re.findall(r"manage\.py (\w+)", RUNBOOK)) - {"doctor"}  # which comes with the invariants

        told = subprocess.run(
            [sys.executable, "manage.py", "help", "--commands"], cwd=ROOT, capture_output=True, text=True, check=True
        )
        assert [target for target in linked if not (ROOT / "docs" / target).exists()] == []
        assert commands - set(told.stdout.split()) == set()


class TestGranianLogging:
    def test_makes_granians_own_words_records_like_all_others(self) -> None:
        script = (
            "import json, logging; from granian.log import configure_logging, LogLevels, logger;"
            "configure_logging(LogLevels.info, json.load(open('deploy/granian-logging.json')));"
            "logger.info('Starting granian')"
        )
        said = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)

        assert said.stderr.endswith(f" {logging.getLevelName(logging.INFO)} _granian [-] Starting granian\n")
