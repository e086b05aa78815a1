"""The sum shown while typing equals the sum that the server computes on save."""

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import pytest

from smallcases.rebalancing import drafts
from smallcases.rebalancing.drafts import DraftLine
from tests.programs import NODE

SCRIPT: Final = Path(drafts.__file__).parent.parent / "static" / "studio" / "studio.js"
# Of the page only what the script touches: fields, the sum, and who listens.
PAGE: Final = """
const fields = JSON.parse(process.argv[1]).map((value) => (
  { value, told: {}, setAttribute(name, text) { this.told[name] = text; }, matches: () => true }));
const shown = {};
const form = {
  querySelector: (what) => (what === "[data-total]" ? shown : null),
  querySelectorAll: () => fields,
  addEventListener() {},
};
globalThis.document = { getElementById: () => form };
globalThis.window = { addEventListener() {} };
eval(require("node:fs").readFileSync(process.argv[2], "utf8"));
const isWrong = fields.map((field) => field.told["aria-invalid"] === "true");
console.log(JSON.stringify({ total: shown.textContent, className: shown.className, isWrong }));
"""


def shown(*weights: str) -> dict[str, Any]:
    ran = subprocess.run(
        [NODE, "-e", PAGE, json.dumps(weights), str(SCRIPT)], capture_output=True, text=True, check=True, timeout=30
    )
    return dict(json.loads(ran.stdout))


@pytest.mark.parametrize(
    "weights",
    [
        ["0.1", "0.2", "99.7"],
        ["33.3334", "33.3333", "33.3333"],
        ["50", "40"],
        ["60", "", "x", "-5", "NaN", "40"],
        [".5", "99.5"],
        ["1000", "5000", "101", "100.0001"],
        ["007", "12.50000", "12.50001", " 3. "],
        ["5,5", "0", "0.0000"],
        [],
    ],
)
def test_it_adds_up_as_the_server_does(weights: Sequence[str]) -> None:
    lines = [DraftLine("INFY", weight.strip()) for weight in weights]

    assert shown(*weights)["total"] == drafts.plain(drafts.total(lines))


def test_it_is_good_when_all_are_weights_that_sum_to_the_whole() -> None:
    assert [shown("60", last)["className"] for last in ("40", "39")] == ["studio-good", "studio-bad"]
    assert shown("60", "40", "")["className"] == "studio-bad"


def test_it_marks_what_is_no_weight() -> None:
    assert shown("60", "x", "")["isWrong"] == [False, True, True]
