"""The project and what all apps share. The Celery app is imported for the broker that every process sends to."""

from gateway.celery import app as celery_app

__all__ = ["celery_app"]
