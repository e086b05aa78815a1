"""Include after `transactions.urls`, which registers the converter `gateway`."""

from django.urls import path, register_converter

from gateway.values.ids import SCID
from smallcases.api import views


class _Scid:
    regex = SCID.pattern

    def to_python(self, value: str) -> str:
        return value

    to_url = to_python


register_converter(_Scid, "scid")

urlpatterns = [
    path("v1/<gateway:gateway>/engine/smallcases", views.Smallcases.as_view()),
    path("v1/<gateway:gateway>/engine/smallcase", views.Profile.as_view()),
    path("v1/<gateway:gateway>/engine/smallcase/chart", views.Chart.as_view()),
    path("manager/v1/smallcases/<scid:scid>/rebalances", views.Rebalances.as_view()),
]
