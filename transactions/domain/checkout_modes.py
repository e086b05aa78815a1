"""The checkout's display modes, and the user's reasons for leaving before the confirmation."""

from enum import StrEnum
from typing import Final

MAX_PINS: Final = 5  # of one transaction


class Mode(StrEnum):
    POPUP = "popup"
    FRAME = "frame"
    REDIRECT = "redirect"


class Reason(StrEnum):
    """The user's reason for leaving; CLOSED gives none."""

    CLOSED = "closed"
    NOT_LISTED = "not-listed"
    WANTS_ACCOUNT = "wants-account"
    NOTHING_TO_CHOOSE = "nothing-to-choose"
    DENIED = "denied"
