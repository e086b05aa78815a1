"""The queue of the embedded default: kombu's filesystem transport, but a message's file appears only when complete.

Kombu opens the file under its final name and writes afterwards. A worker that reads in between gets an empty message,
fails to parse it, and dies.
"""

from pathlib import Path
from time import monotonic
from typing import Any
from uuid import uuid4

from kombu.transport import TRANSPORT_ALIASES, filesystem
from kombu.utils.json import dumps


class FilesystemChannel(filesystem.Channel):
    def _put(self, queue: str, payload: Any, **kwargs: Any) -> None:  # type: ignore[override]  # kombu's two bases differ
        """File names sort by the time of sending, as kombu's do; drafts are outside all queues."""
        name = f"{round(monotonic() * 1000)}_{uuid4()}"
        draft = Path(self.data_folder_out, f"{name}.draft")
        draft.write_text(dumps(payload))
        draft.rename(draft.with_name(f"{name}.{queue}.msg"))


class FilesystemTransport(filesystem.Transport):
    Channel = FilesystemChannel


def install() -> None:
    """Makes `filesystem://` mean this transport."""
    TRANSPORT_ALIASES["filesystem"] = f"{__name__}:{FilesystemTransport.__name__}"
