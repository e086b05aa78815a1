from collections.abc import Callable
from typing import Any

import pytest
from cryptography.fernet import Fernet, InvalidToken

from gateway.database.encryption import decrypt, decrypt_cached, encrypt, reencrypt

OLD, NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()


class TestTheVault:
    @pytest.mark.parametrize("secret", ["", "s" * 43, "₹"])
    def test_gives_back_what_it_sealed(self, secret: str) -> None:
        assert decrypt(encrypt(secret)) == secret

    def test_shows_nothing_of_it(self) -> None:
        assert "hunter2" not in encrypt("hunter2")

    def test_opens_with_every_key_and_seals_with_the_newest(self, settings: Any) -> None:
        settings.ENCRYPTION_KEYS = [OLD]
        before = encrypt("hunter2")

        settings.ENCRYPTION_KEYS = [NEW, OLD]
        since = encrypt("hunter2")

        assert decrypt(before) == "hunter2"
        assert Fernet(NEW).decrypt(since) == b"hunter2"

    def test_moves_a_seal_to_the_newest_key(self, settings: Any) -> None:
        settings.ENCRYPTION_KEYS = [OLD]
        before = encrypt("hunter2")
        settings.ENCRYPTION_KEYS = [NEW, OLD]

        moved = reencrypt(before)

        settings.ENCRYPTION_KEYS = [NEW]
        assert decrypt(moved) == "hunter2"

    @pytest.mark.parametrize("opened", [decrypt, decrypt_cached])
    def test_opens_nothing_without_the_key(self, settings: Any, opened: Callable[[str], str]) -> None:
        settings.ENCRYPTION_KEYS = [OLD]
        before = encrypt("hunter2")
        assert opened(before) == "hunter2"
        settings.ENCRYPTION_KEYS = [NEW]

        with pytest.raises(InvalidToken):
            opened(before)
