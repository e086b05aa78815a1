"""Which pages may open and frame a gateway's checkout: replaced as a whole, as they were looked at."""

from collections.abc import Sequence
from typing import Final

from django.db.transaction import atomic

from gateway.audit.trail import Actor
from gateway.models import Gateway
from gateway.values.errors import Conflict, Invalid
from gateway.values.origins import check_origin

MOST: Final = 50


def replace_origins(gateway: Gateway, *, origins: Sequence[str], seen: Sequence[str], by: Actor) -> bool:
    """In the order given, each once. False: they are these already.

    `seen` are those that the operator has looked at; others by now are a Conflict.
    """
    wanted = list(dict.fromkeys(check_origin(origin) for origin in origins))
    if len(wanted) > MOST:
        raise Invalid(f"A gateway has {MOST} origins at most, not {len(wanted)}.")
    with atomic(durable=True):
        locked = Gateway.objects.select_for_update().get(pk=gateway.pk)
        if locked.allowed_origins != list(seen):
            raise Conflict("The origins were changed meanwhile: look at them again. Nothing was done.")
        if locked.allowed_origins == wanted:
            return False
        Gateway.objects.filter(pk=gateway.pk).update(allowed_origins=wanted)
        by.record("change origins", f"gateway {gateway}", before={"origins": list(seen)}, after={"origins": wanted})
    return True
