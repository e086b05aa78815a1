from django.contrib import admin
from django.urls import path
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from benchmarks.bare.celery import app

__all__ = ["app", "urlpatterns"]  # a project loads its Celery app, so that tasks go to the right broker


@api_view(["GET"])
def healthz(request: Request) -> Response:
    return Response({})


urlpatterns = [path("admin/", admin.site.urls), path("healthz", healthz)]
