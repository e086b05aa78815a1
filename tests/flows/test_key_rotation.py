"""A change of the encryption key while after-market orders wait: the steps of docs/runbook.md, one by one."""

from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.core.management import CommandError, call_command

from gateway.management.commands.reencrypt_secrets import Command
from tests import make
from tests.flows import stage
from tests.partner import Partner
from tests.receiver import Receiver

DONE = "Nothing was re-encrypted: the first of ENCRYPTION_KEYS decrypts every value. You can remove the older keys."
ROOT = Path(__file__).parents[2]


def reencrypt() -> list[str]:
    printed = StringIO()
    call_command("reencrypt_secrets", stdout=printed, stderr=printed)
    return printed.getvalue().splitlines()


class TestAChangeOfKeys:
    def test_keeps_an_order_that_waits_for_the_market(
        self, partner: Partner, receiver: Receiver, settings: Any
    ) -> None:
        (old,), new = settings.ENCRYPTION_KEYS, Fernet.generate_key().decode()
        partner.hours("closed")
        batches = [stage.placed(partner, "happy-1", amo=True)]

        settings.ENCRYPTION_KEYS = [old, new]  # 1. second
        batches.append(stage.placed(partner, "happy-2", amo=True))
        settings.ENCRYPTION_KEYS = [new, old]  # 2. first, here; another process is not there yet
        batches.append(stage.placed(partner, "happy-3", amo=True))
        settings.ENCRYPTION_KEYS = [old, new]
        assert stage.later(partner, batches[-1])["status"] == "PLACED"
        settings.ENCRYPTION_KEYS = [new, old]
        first, second = reencrypt(), reencrypt()  # 3. and 4.
        settings.ENCRYPTION_KEYS = [new]  # 5.

        partner.hours("always")
        found = [stage.later(partner, batch, "PT10S") for batch in batches]
        assert "brokers_brokersession.encrypted_token: 3 read, 2 re-encrypted" in first
        assert "until it re-encrypts nothing" in first[-1]
        assert second[-1] == DONE
        assert [batch["status"] for batch in found] == ["COMPLETED"] * 3
        assert receiver.events().count("order.completed") == 3

    def test_says_what_no_key_opens_and_reencrypts_the_rest(self, partner: Partner, settings: Any) -> None:
        """The old key was dropped at once."""
        partner.hours("closed")
        stage.placed(partner, amo=True)
        settings.ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
        make.gateway()

        with pytest.raises(CommandError, match=r"brokers_brokersession.encrypted_token of rows \d+") as refusal:
            reencrypt()

        assert "Add the key that encrypted them again." in str(refusal.value)


def test_the_documents_name_the_same_steps() -> None:
    """The runbook has the steps; docs/configuration.md and the command link to it."""
    settings = (ROOT / "docs" / "configuration.md").read_text().split("\n\n")
    (paragraph,) = [part for part in settings if "change an encryption key" in part]
    runbook = (ROOT / "docs" / "runbook.md").read_text()
    section = runbook.partition("### Re-encrypting stored secrets with a new key")[2].partition("###")[0]

    steps = ["*second*", "*first*", "reencrypt_secrets", "re-encrypts nothing", "Drop the old key"]
    places = [section.index(step) for step in steps]
    assert places == sorted(places)
    assert "(runbook.md#re-encrypting-stored-secrets-with-a-new-key)" in paragraph
    assert "re-encrypts nothing" in Command.help
    assert "docs/runbook.md" in Command.help
