"""Stories that write nothing need no queue."""

import pytest

from gateway.partners.credentials import Credentials
from tests.partner import Partner


@pytest.fixture
def caller(credentials: Credentials) -> Partner:
    """A partner's server whose wake-up messages nobody answers."""
    return Partner(credentials.gateway.name, credentials.api_secret, credentials.jwt_secret)
