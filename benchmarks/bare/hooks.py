"""A Django project that sends webhooks with django-webhook; runs in that package's own environment."""

import os

from benchmarks.bare.settings import *  # noqa: F403 - the same settings, a few of them changed
from benchmarks.bare.settings import DATABASES  # noqa: F401 - read by those who import these settings

INSTALLED_APPS = ["django.contrib.contenttypes", "benchmarks.bare", "django_webhook"]
DJANGO_WEBHOOK = {"MODELS": ["bare.Wish"]}
CELERY_BROKER_URL = os.environ["CELERY_BROKER_URL"]
CELERY_TASK_IGNORE_RESULT = True
