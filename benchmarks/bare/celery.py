from celery import Celery

app = Celery("bare")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@app.task(name="nothing")
def nothing() -> None:
    """A task, because a worker needs one."""
