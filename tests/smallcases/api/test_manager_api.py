"""Rebalances over HTTP, as a manager publishes them."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from smallcases.api.manager_tokens import issue_token
from smallcases.models import RebalanceNotice, Version
from tests import make
from tests.partner import Answer
from tests.smallcases import shelf

pytestmark = pytest.mark.usefixtures("instruments")
BODY: Mapping[str, Any] = {
    "label": "Less of one",
    "rationale": "It ran ahead.",
    "constituents": [{"ticker": "INFY", "weight": 50.5}, {"ticker": "WIPRO", "weight": 49.5}],
}


def call(
    by: User | None, method: str = "POST", body: Any = None, *, scid: str = "SCNM_0001", query: str = ""
) -> Answer:
    header = {"Authorization": f"Token {issue_token(user=by)}"} if by else {}
    path = f"/manager/v1/smallcases/{scid}/rebalances{query}"
    raw = json.dumps(body or {}).encode()
    client = Client(raise_request_exception=False)
    sent = client.generic(method, path, raw, "application/json", headers=header)
    return Answer(sent.status_code, sent.json(), dict(sent.headers))


class TestPublishing:
    def test_is_not_done_where_dry_run_is_misspelt(self) -> None:
        meera = shelf.manager()
        shelf.smallcase(manager="meera")

        answer = call(meera, body=BODY, query="?dryRun=yes")

        assert (answer.status, answer.errors) == (400, ["dryRun: must be true or false."])
        assert Version.objects.count() == 1

    def test_makes_a_version(self) -> None:
        meera = shelf.manager()
        shelf.smallcase(manager="meera")

        answer = call(meera, body=BODY)

        assert answer.status == 200, answer.body
        published = Version.objects.get(number=2)
        assert answer.data == {
            "version": 2,
            "label": "Less of one",
            "rationale": "It ran ahead.",
            "publishedAt": answer.data["publishedAt"],
            "publishedBy": "meera",
            "constituents": [{"ticker": "INFY", "weight": 50.5}, {"ticker": "WIPRO", "weight": 49.5}],
        }
        assert published.published_by == meera

    def test_twice_is_a_conflict(self) -> None:
        meera = shelf.manager()
        shelf.smallcase(manager="meera")
        call(meera, body=BODY)

        answer = call(meera, body=BODY)

        assert (answer.status, answer.error_type) == (409, "Conflict")
        assert answer.errors == ["Version 2 already has these constituents."]

    def test_on_top_of_a_version_that_is_not_the_newest_is_a_conflict(self) -> None:
        meera = shelf.manager()
        shelf.published(shelf.smallcase(manager="meera"))

        answer = call(meera, body={**BODY, "onTopOf": 1})

        assert (answer.status, answer.errors) == (409, ["The newest version is 2, not 1."])

    @pytest.mark.parametrize(
        ("change", "told"),
        [
            ({"label": None}, ["label: This field may not be null."]),
            ({"constituents": None}, ["constituents: This field may not be null."]),
            (
                {"constituents": []},
                ["A version has 2 to 50 constituents, not 0.", "The weights sum to 0 %; they must sum to 100 %."],
            ),
            ({"constituents": [{"ticker": "INFY"}]}, ["constituents[0].weight: This field is required."]),
            ({"constituents": [{"ticker": "INFY", "weight": "50"}]}, ["constituents[0].weight: must be a number."]),
            (
                {"constituents": [{"ticker": "INFY", "weight": 50}, {"ticker": "INFY", "weight": 50}]},
                ["INFY is in the version 2 times."],
            ),
            (
                {"constituents": [{"ticker": f"T{n}", "weight": 1} for n in range(501)]},
                ["constituents: must have at most 50 constituents."],
            ),
            (
                {"constituents": [{"ticker": "INFY", "weight": 50.00001}, {"ticker": "TCS", "weight": 49.99999}]},
                [
                    "INFY: a weight must be above 0 and at most 100, with at most 4 decimals, not 50.00001.",
                    "TCS: a weight must be above 0 and at most 100, with at most 4 decimals, not 49.99999.",
                ],
            ),
            ({"onTopOf": 0}, ["onTopOf: Ensure this value is greater than or equal to 1."]),
        ],
    )
    def test_refuses_a_wrong_body(self, change: dict[str, Any], told: list[str]) -> None:
        meera = shelf.manager()
        shelf.smallcase(manager="meera")

        answer = call(meera, body={**BODY, **change})

        assert (answer.status, answer.error_type, answer.errors) == (400, "ValidationError", told)
        assert Version.objects.count() == 1

    def test_needs_a_label(self) -> None:
        meera = shelf.manager()
        shelf.smallcase(manager="meera")

        assert call(meera, body={"constituents": BODY["constituents"]}).errors == ["label: is required."]


class TestPreviewing:
    def test_previews_the_effect_and_changes_nothing(self) -> None:
        meera = shelf.manager()
        shelf.investments(shelf.smallcase(manager="meera"), make.gateway(), how_many=3)

        answer = call(meera, body={"constituents": BODY["constituents"]}, query="?dryRun=true")

        assert answer.status == 200
        assert {name: answer.data[name] for name in ("version", "onTopOf", "turnover", "investments")} == {
            "version": 2,
            "onTopOf": 1,
            "turnover": 49.5,
            "investments": 3,
        }
        assert answer.data["added"] == [{"ticker": "WIPRO", "from": 0, "to": 49.5}]
        assert answer.data["removed"] == [{"ticker": "TCS", "from": 40, "to": 0}]
        assert answer.data["changed"] == [{"ticker": "INFY", "from": 60, "to": 50.5}]
        assert Version.objects.count() == 1


class TestReading:
    def test_lists_versions_with_the_progress_of_notices(self) -> None:
        meera = shelf.manager()
        known, here = shelf.smallcase(manager="meera"), make.gateway()
        shelf.investments(known, here)
        shelf.published(known)
        RebalanceNotice.objects.update(notified=1, due_at=None)

        newest, first = call(meera, "GET").data

        assert (newest["version"], newest["announcements"]) == (2, [{"gateway": here.name, "told": 1, "done": True}])
        assert (first["version"], first["announcements"]) == (1, [])


class TestWhoMay:
    """Who may not: tests/isolation."""

    @pytest.fixture(autouse=True)
    def _managed(self, instruments: None) -> None:
        shelf.manager()
        shelf.smallcase(manager="meera")

    def test_a_superuser_all(self) -> None:
        assert call(User.objects.create_superuser("root"), body=BODY).status == 200

    def test_a_smallcase_that_is_not_there_is_not_found(self) -> None:
        assert call(User.objects.create_superuser("root"), "GET", scid="SCNM_9999").status == 404
