from django.urls import path

from benchmarks.bare import views

urlpatterns = [
    path("healthz", views.healthz),
    path("insert", views.insert),
    path("answer/<int:number>", views.answer),
    path("queried/<int:number>", views.queried),
]
