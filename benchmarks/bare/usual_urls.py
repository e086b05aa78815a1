from django.contrib import admin
from django.urls import path
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response


@api_view(["GET"])
def healthz(request: Request) -> Response:
    return Response({})


urlpatterns = [path("admin/", admin.site.urls), path("healthz", healthz)]
