"""Include after `transactions.urls`, which registers the converters `gateway` and `object`."""

from django.urls import path, register_converter

from webhooks.api import views
from webhooks.api.serializers import EVENT_ID, REPLAY_KEY


class _Event:
    regex = EVENT_ID.pattern

    def to_python(self, value: str) -> str:
        return value

    to_url = to_python


class _Replay(_Event):
    regex = REPLAY_KEY.pattern


register_converter(_Event, "event")
register_converter(_Replay, "replay")

urlpatterns = [
    path("v1/<gateway:gateway>/engine/webhooks/events", views.Events.as_view()),
    path("v1/<gateway:gateway>/engine/webhooks/events/<event:event_id>/replay", views.ReplayEvent.as_view()),
    path("v1/<gateway:gateway>/engine/webhooks/replay", views.StartReplay.as_view()),
    path("v1/<gateway:gateway>/engine/webhooks/replays/<replay:key>", views.Replays.as_view()),
    path("v1/<gateway:gateway>/engine/webhooks/endpoints", views.Endpoints.as_view()),
    path("v1/<gateway:gateway>/engine/webhooks/endpoints/<object:endpoint_id>/enable", views.EnableEndpoint.as_view()),
    path("v1/<gateway:gateway>/engine/webhooks/test", views.SendTest.as_view()),
    path("sandbox/<gateway:gateway>/webhooks/trigger", views.Trigger.as_view()),
]
