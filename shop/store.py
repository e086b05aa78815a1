"""What the shop remembers, in a SQLite file of its own: who each browser is, and what the gateway has sent."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

KEPT_HITS: Final = 300
KEPT_FORGERIES: Final = 20  # of what anybody may send
KEPT_FORGED_CHARACTERS: Final = 2_000
SHOWN_HITS: Final = 100
TABLES: Final = """
CREATE TABLE IF NOT EXISTS visitors (cookie TEXT PRIMARY KEY, auth_id TEXT NOT NULL, broker TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS hits (
    number INTEGER PRIMARY KEY AUTOINCREMENT, received_at TEXT NOT NULL, webhook_id TEXT NOT NULL, type TEXT NOT NULL,
    sequence TEXT NOT NULL, body TEXT NOT NULL, checksum TEXT NOT NULL, signature TEXT NOT NULL
);
"""
TRIM: Final = """
DELETE FROM hits WHERE (signature != '') = :forged AND number NOT IN (
    SELECT number FROM hits WHERE (signature != '') = :forged ORDER BY number DESC LIMIT :kept
)
"""


@dataclass(frozen=True, slots=True)
class Visitor:
    """A user of the shop who has been at a broker."""

    auth_id: str
    broker: str


@dataclass(frozen=True, slots=True)
class Hit:
    """A webhook as it came. `checksum` and `signature`: what is wrong with it, empty where nothing is."""

    received_at: str
    webhook_id: str
    type: str
    sequence: str
    body: str
    checksum: str
    signature: str


class Store:
    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        self.path = path
        with self._open() as database:
            database.execute("PRAGMA journal_mode=WAL")
            database.executescript(TABLES)

    def visitor(self, cookie: str) -> Visitor | None:
        with self._open() as database:
            row = database.execute(
                "SELECT auth_id, broker FROM visitors WHERE cookie = ?", [_digest(cookie)]
            ).fetchone()
        return Visitor(*row) if row else None

    def connect(self, cookie: str, visitor: Visitor) -> None:
        with self._open() as database:
            values = [_digest(cookie), visitor.auth_id, visitor.broker]
            database.execute("INSERT OR REPLACE INTO visitors VALUES (?, ?, ?)", values)

    def disconnect(self, cookie: str) -> None:
        with self._open() as database:
            database.execute("DELETE FROM visitors WHERE cookie = ?", [_digest(cookie)])

    def take(self, hit: Hit) -> None:
        """The newest are kept; what is not signed has few places of its own and crowds nothing out."""
        forged = bool(hit.signature)
        body = hit.body[:KEPT_FORGED_CHARACTERS] if forged else hit.body
        values = [hit.received_at, hit.webhook_id, hit.type, hit.sequence, body, hit.checksum, hit.signature]
        kept = {"forged": forged, "kept": KEPT_FORGERIES if forged else KEPT_HITS}
        with self._open() as database:
            database.execute("INSERT INTO hits VALUES (NULL, ?, ?, ?, ?, ?, ?, ?)", values)
            database.execute(TRIM, kept)

    def hits(self, *, after: int) -> list[dict[str, Any]]:
        """Newest first, with the number by which to ask for those that come after."""
        question = "SELECT * FROM hits WHERE number > ? ORDER BY number DESC LIMIT ?"
        with self._open() as database:
            return [_hit(row) for row in database.execute(question, [after, SHOWN_HITS])]

    def clear(self) -> None:
        """The gateway was emptied: its users are nobody now."""
        with self._open() as database:
            database.executescript("DELETE FROM visitors; DELETE FROM hits;")

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        database = sqlite3.connect(self.path, timeout=10)
        try:
            with database:
                yield database
        finally:
            database.close()


def _hit(row: tuple[Any, ...]) -> dict[str, Any]:
    number, received_at, webhook_id, kind, sequence, body, checksum, signature = row
    return {
        "number": number,
        "receivedAt": received_at,
        "webhookId": webhook_id,
        "type": kind,
        "sequence": sequence,
        "body": body if signature else json.loads(body),
        "checksum": checksum,
        "signature": signature,
    }


def _digest(cookie: str) -> str:
    """A copy of the file opens nobody's session."""
    return sha256(cookie.encode()).hexdigest()
