"""No encrypted value is in a column that `reencrypt_secrets` does not know."""

from django.apps import apps
from django.db.models import CharField, JSONField, TextField
from django.db.models.functions import Cast

from gateway.partners.reencryption import encrypted_columns
from tests.invariants.world import World

SEAL = "gAAAAA"  # how every Fernet token begins


def test_every_seal_is_in_a_sealed_column(world: World) -> None:
    known = {str(column) for column in encrypted_columns()}
    found = {
        f"{model._meta.db_table}.{field.name}"
        for model in apps.get_models(include_auto_created=True)
        for field in model._meta.concrete_fields
        if isinstance(field, CharField | TextField | JSONField)
        and model._default_manager.annotate(text=Cast(field.name, TextField())).filter(text__contains=SEAL).exists()
    }

    assert found <= known, found - known
    assert {"brokers_brokersession.encrypted_token", "webhooks_endpoint.encrypted_secret"} <= found
