"""The project. Imports the Celery app, so that every process sends tasks to the same broker."""

from gateway.celery import app as celery_app

__all__ = ["celery_app"]
