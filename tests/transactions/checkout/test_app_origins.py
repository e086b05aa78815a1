"""Apps open the checkout: their origins are allowed, and the redirect returns to them."""

from django.test import Client

from gateway.models import Gateway
from tests.partner import Partner

APP, PAGES = "acme://done", "https://*.shop.example"
CHALLENGE = "c" * 43


def opened(partner: Partner, origin: str, **more: str) -> tuple[int, str]:
    """The status, and the checkout's address or the first sentence."""
    body = {"transactionId": partner.create(), "codeChallenge": CHALLENGE, **more}
    headers = {"Origin": origin} | {k: v for k, v in partner.headers().items() if k == "x-gateway-authtoken"}
    answer = partner.call("POST", "/checkout/{gateway}/sessions", body, headers=headers)
    return answer.status, answer.data["url"] if answer.status == 200 else answer.errors[0]


class TestAnApp:
    def test_gets_the_user_back_at_its_own_address(self, partner: Partner) -> None:
        Gateway.objects.update(allowed_origins=[APP])
        status, url = opened(partner, APP, mode="redirect", redirectUrl=f"{APP}?x=1")
        path = url.removeprefix("http://testserver")
        page = Client().get(path)
        left = Client().post(f"{path}leave", {"reason": "closed"})

        assert (status, left.status_code) == (200, 303)
        assert left["Location"].startswith(f"{APP}?x=1&transactionId=TRX_")
        assert "form-action 'self' acme:" in page["Content-Security-Policy"]
        assert f"frame-ancestors {APP}" in page["Content-Security-Policy"]

    def test_is_not_another_app(self, partner: Partner) -> None:
        Gateway.objects.update(allowed_origins=[APP])

        assert opened(partner, "evil://done")[0] == 403
        for elsewhere in ("evil://done", "acme://other", "javascript://done", "acme:done"):
            status, sentence = opened(partner, APP, mode="redirect", redirectUrl=elsewhere)
            assert (status, sentence) == (
                400,
                "redirectUrl: must be a page on an allowed origin, or an address of an allowed app.",
            )


class TestPagesBelowAHost:
    def test_open_the_checkout(self, partner: Partner) -> None:
        Gateway.objects.update(allowed_origins=[PAGES])

        assert opened(partner, "https://a.shop.example")[0] == 200
        assert [opened(partner, origin)[0] for origin in ("https://shop.example", "https://evilshop.example")] == [
            403
        ] * 2
