from django.urls import path, register_converter

from transactions.checkout import sdk_files, views
from transactions.checkout.pages import screens


class _Token:
    """A session's token: 256 bits, url-safe base64."""

    regex = "[A-Za-z0-9_-]{43}"

    def to_python(self, value: str) -> str:
        return value

    to_url = to_python


register_converter(_Token, "session")

urlpatterns = [
    path("checkout/<gateway:gateway>/sessions", views.Sessions.as_view()),
    path("checkout/<gateway:gateway>/sessions/outcome", views.SessionOutcome.as_view()),
    path("checkout/s/<session:token>/", screens.Show.as_view(), name="checkout"),
    path("checkout/s/<session:token>/broker", screens.ChooseBroker.as_view(), name="checkout-broker"),
    path("checkout/s/<session:token>/no-broker", screens.FindNoBroker.as_view(), name="checkout-no-broker"),
    path("checkout/s/<session:token>/login", screens.LogIn.as_view(), name="checkout-login"),
    path("checkout/s/<session:token>/login-again", screens.LogInAgain.as_view(), name="checkout-login-again"),
    path("checkout/s/<session:token>/confirm", screens.Confirm.as_view(), name="checkout-confirm"),
    path("checkout/s/<session:token>/status", screens.Status.as_view(), name="checkout-status"),
    path("checkout/s/<session:token>/mark-complete", screens.MarkComplete.as_view(), name="checkout-mark-complete"),
    path("checkout/s/<session:token>/leave", screens.Leave.as_view(), name="checkout-leave"),
    path("scdk/2.0.0/scdk.js", sdk_files.script, name="scdk"),
    path("scdk/2.0.0/scdk.d.ts", sdk_files.declarations),
    path("scdk/2.0.0/opening", sdk_files.opening),
]
