from collections.abc import Callable
from typing import Any

import pytest
from cryptography.fernet import Fernet, InvalidToken

from gateway.database.encryption import reseal, seal, unseal, unseal_kept

OLD, NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()


class TestTheVault:
    @pytest.mark.parametrize("secret", ["", "s" * 43, "₹"])
    def test_gives_back_what_it_sealed(self, secret: str) -> None:
        assert unseal(seal(secret)) == secret

    def test_shows_nothing_of_it(self) -> None:
        assert "hunter2" not in seal("hunter2")

    def test_opens_with_every_key_and_seals_with_the_newest(self, settings: Any) -> None:
        settings.ENCRYPTION_KEYS = [OLD]
        before = seal("hunter2")

        settings.ENCRYPTION_KEYS = [NEW, OLD]
        since = seal("hunter2")

        assert unseal(before) == "hunter2"
        assert Fernet(NEW).decrypt(since) == b"hunter2"

    def test_moves_a_seal_to_the_newest_key(self, settings: Any) -> None:
        settings.ENCRYPTION_KEYS = [OLD]
        before = seal("hunter2")
        settings.ENCRYPTION_KEYS = [NEW, OLD]

        moved = reseal(before)

        settings.ENCRYPTION_KEYS = [NEW]
        assert unseal(moved) == "hunter2"

    @pytest.mark.parametrize("opened", [unseal, unseal_kept])
    def test_opens_nothing_without_the_key(self, settings: Any, opened: Callable[[str], str]) -> None:
        settings.ENCRYPTION_KEYS = [OLD]
        before = seal("hunter2")
        assert opened(before) == "hunter2"
        settings.ENCRYPTION_KEYS = [NEW]

        with pytest.raises(InvalidToken):
            opened(before)
