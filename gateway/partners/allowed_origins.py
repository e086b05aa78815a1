"""Replaces the list of origins whose pages may open and frame a gateway's checkout."""

from collections.abc import Sequence
from typing import Final

from django.db.transaction import atomic

from gateway.audit.trail import Actor
from gateway.models import Gateway
from gateway.values.errors import Conflict, Invalid
from gateway.values.origins import check_origin

MOST: Final = 50


def replace_origins(gateway: Gateway, *, origins: Sequence[str], seen: Sequence[str], by: Actor) -> bool:
    """Stores the origins in the given order, without duplicates. False if they are unchanged.

    `seen` are the origins that the operator's page showed. Raises Conflict if they have changed since.
    """
    wanted = list(dict.fromkeys(check_origin(origin) for origin in origins))
    if len(wanted) > MOST:
        raise Invalid(f"A gateway has {MOST} origins at most, not {len(wanted)}.")
    with atomic(durable=True):
        locked = Gateway.objects.select_for_update().get(pk=gateway.pk)
        if locked.allowed_origins != list(seen):
            raise Conflict("Another operator changed the origins. Check them and try again. Nothing was saved.")
        if locked.allowed_origins == wanted:
            return False
        Gateway.objects.filter(pk=gateway.pk).update(allowed_origins=wanted)
        by.record("change origins", f"gateway {gateway}", before={"origins": list(seen)}, after={"origins": wanted})
    return True
