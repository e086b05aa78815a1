"""A receiver is sent anything: what is not genuine is said to be so, and nothing else is raised."""

import json
from datetime import datetime

import pytest

from webhooks.signing.sign import new_secret
from webhooks.signing.verify import NotGenuine, verify_checksum, verify_signature

STRANGE = ["", "ä", "v1,ä", "\ud800", "v1," + "A" * 10_000, "v2,AAAA"]


class TestWhatIsNotGenuine:
    @pytest.mark.parametrize("given", [*STRANGE, None, 1, [], {}])
    def test_is_refused_by_its_checksum(self, given: object) -> None:
        body = json.dumps({"timestamp": "x", "smallcaseAuthId": "y", "checksum": given}).encode()

        with pytest.raises(NotGenuine):
            verify_checksum(body, api_secret="s")

    @pytest.mark.parametrize("given", STRANGE)
    def test_is_refused_by_its_signature(self, given: str, now: datetime) -> None:
        headers = {
            "webhook-id": "evt_1",
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": given,
        }

        with pytest.raises(NotGenuine):
            verify_signature(headers, b"{}", secret=new_secret(), now=now)
