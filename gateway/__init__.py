"""The roof and the ground floor. Importing the Celery app here makes every process send to the configured broker."""

from gateway.celery import app as celery_app

__all__ = ["celery_app"]
