from django.contrib import admin
from django.urls import include, path
from drf_spectacular.views import SpectacularJSONAPIView, SpectacularSwaggerSplitView

from gateway.monitoring.views import demo, healthz, metrics, readyz

admin.autodiscover()

handler400 = "transactions.checkout.pages.error_pages.refused"
handler404 = "transactions.checkout.pages.error_pages.unknown"
handler500 = "transactions.checkout.pages.error_pages.crashed"
urlpatterns = [
    path("healthz", healthz),
    path("readyz", readyz),
    path("metrics", metrics),
    path("demo/", demo),
    path("api/schema/", SpectacularJSONAPIView.as_view(), name="schema"),
    path("api/docs/", SpectacularSwaggerSplitView.as_view(template_name="gateway/docs.html"), name="docs"),
    path("admin/", admin.site.urls),
    path("", include("transactions.urls")),
    path("", include("smallcases.urls")),
    path("", include("webhooks.urls")),
]
