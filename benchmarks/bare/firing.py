"""django-webhook's side: `python -m benchmarks.bare.firing prepare URL`, or `… fire NUMBER` to save rows as webhooks.

The webhooks' payload comes on standard input.
"""

import json
import sys
import time
from uuid import uuid4

import django

from benchmarks.bare.celery import app

app.set_default()  # before django-webhook creates its tasks, which belong to the default app at that time
django.setup()

from django.core.management import call_command  # noqa: E402 - Django had to be set up
from django.utils import timezone  # noqa: E402 - Django had to be set up
from django_webhook.models import Webhook, WebhookSecret, WebhookTopic  # noqa: E402 - Django had to be set up

from benchmarks.bare.models import Wish  # noqa: E402 - Django had to be set up


def prepare(url: str) -> None:
    call_command("migrate", verbosity=0)
    topic, _ = WebhookTopic.objects.get_or_create(name="bare.Wish/create")
    Webhook.objects.all().delete()
    webhook = Webhook.objects.create(url=url)
    webhook.topics.set([topic])
    WebhookSecret.objects.create(webhook=webhook, token="a-secret-of-some-length")


def fire(number: int) -> None:
    payload = json.load(sys.stdin)
    for _ in range(number):
        body = {**payload, "recordedAt": time.time()}
        Wish._default_manager.create(name=f"TRX_{uuid4().hex}", body=body, created_at=timezone.now())


if __name__ == "__main__":
    verb, told = sys.argv[1:]
    if verb == "prepare":
        prepare(told)
    else:
        fire(int(told))
