"""How a partner's page shows the checkout, and why a user leaves it before the confirmation."""

from enum import StrEnum
from typing import Final

MAX_PINS: Final = 5  # of one transaction


class Mode(StrEnum):
    POPUP = "popup"
    FRAME = "frame"
    REDIRECT = "redirect"


class Reason(StrEnum):
    """What a user says on leaving; CLOSED says nothing."""

    CLOSED = "closed"
    NOT_LISTED = "not-listed"
    WANTS_ACCOUNT = "wants-account"
    NOTHING_TO_CHOOSE = "nothing-to-choose"
    DENIED = "denied"
