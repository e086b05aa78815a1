"""The console's page that imports market days from a file: a preview first, then the import."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.decorators import permission_required
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from brokers.market.market_days.import_days import apply_import, plan_import, told
from brokers.market.market_days.market_day_files import MarketDayFile, read_market_days
from gateway.console.read_only_admin import actor_of
from gateway.http.middleware import takes_a_file
from gateway.values.errors import Invalid
from gateway.values.text_files import text_of

PERMISSIONS = ("brokers.add_marketday", "brokers.change_marketday", "brokers.delete_marketday")


class MarketDayUpload(forms.Form):
    file = forms.FileField(label="List (JSON or CSV)")

    found: MarketDayFile

    def clean_file(self) -> UploadedFile[Any]:
        """The whole file must be readable: nothing is imported of a file with a rejected line."""
        file: UploadedFile[Any] = self.cleaned_data["file"]
        try:
            self.found = read_market_days(text_of(file.read(), file.name or "The file"), file.name or "The file")
        except Invalid as refusal:
            raise forms.ValidationError(list(refusal.sentences)) from None
        if self.found.rejects:
            raise forms.ValidationError([f"Line {one.line}: {one.reason}." for one in self.found.rejects[:20]])
        return file


@takes_a_file
@permission_required(PERMISSIONS, raise_exception=True)
def import_days(request: HttpRequest) -> HttpResponse:
    form = MarketDayUpload(request.POST or None, request.FILES or None)
    shown: dict[str, Any] = {}
    if request.method == "POST" and form.is_valid():
        plan = plan_import(form.found)
        if "apply" in request.POST:
            apply_import(plan, by=actor_of(request))
            messages.success(request, f"{len(plan.changes)} days changed, of {len(form.found.days)} in the file.")
            return redirect("admin:brokers_marketday_changelist")
        changes = [told(day, one) for day, one in plan.changes.items()]
        shown = {"is_preview": True, "changes": changes, "remarks": plan.remarks, "days": len(form.found.days)}
    page = {**admin.site.each_context(request), "title": "Import market days", "form": form, **shown}
    return render(request, "console/import_market_days.html", page)
