from django.contrib import admin
from django.urls import include, path, re_path
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularJSONAPIView, SpectacularSwaggerSplitView

from gateway.monitoring.views import demo, healthz, metrics, readyz

admin.autodiscover()

handler400 = "transactions.checkout.pages.error_pages.refused"
handler404 = "transactions.checkout.pages.error_pages.unknown"
handler500 = "transactions.checkout.pages.error_pages.crashed"
# Pages of the console that the last release had at another address, for bookmarks.
MOVED_PAGES = {
    "transactions/settlement": "transactions/ordercorrection",
    "brokers/pricepin": "brokers/priceoverride",
    "smallcases/announcement": "smallcases/rebalancenotice",
}
urlpatterns = [
    path("healthz", healthz),
    path("readyz", readyz),
    path("metrics", metrics),
    path("demo/", demo),
    path("api/schema/", SpectacularJSONAPIView.as_view(), name="schema"),
    path("api/docs/", SpectacularSwaggerSplitView.as_view(template_name="gateway/docs.html"), name="docs"),
    *(
        re_path(f"^admin/{old}/(?P<rest>.*)$", RedirectView.as_view(url=f"/admin/{new}/%(rest)s", query_string=True))
        for old, new in MOVED_PAGES.items()
    ),
    path("admin/", admin.site.urls),
    path("", include("transactions.urls")),
    path("", include("smallcases.urls")),
    path("", include("webhooks.urls")),
]
