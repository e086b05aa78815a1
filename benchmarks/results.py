"""Results as JSON: by benchmark, each with the day, the machine and the length of its rounds."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.figures import Row, row_from


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """`seconds` is the duration of the whole benchmark."""

    name: str
    command: str
    day: str
    machine: str
    servers: str
    seconds: float
    rows: tuple[Row, ...]


def read(path: Path) -> dict[str, Result]:
    if not path.exists():
        return {}
    return {one["name"]: _result(one) for one in json.loads(path.read_text())}


def write(path: Path, results: Mapping[str, Result]) -> None:
    """Replaces the file in one step: a run that dies while writing leaves the old file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".part")
    draft.write_text(json.dumps([_json(one) for one in results.values()], indent=1, ensure_ascii=False) + "\n")
    draft.rename(path)


def merged(before: Mapping[str, Result], found: Sequence[Result], order: Sequence[str]) -> dict[str, Result]:
    """New results replace old results of the same name, all in `order`; benchmarks that no longer exist are dropped."""
    every = {**before, **{one.name: one for one in found}}
    return {name: every[name] for name in order if name in every}


def _json(result: Result) -> dict[str, object]:
    return {**asdict(result), "rows": [row.as_json() for row in result.rows]}


def _result(read_back: dict[str, object]) -> Result:
    rows = tuple(row_from(row) for row in read_back.pop("rows"))  # type: ignore[attr-defined]  # JSON that we wrote
    return Result(**read_back, rows=rows)  # type: ignore[arg-type]  # as above
