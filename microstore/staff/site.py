"""Admin site of each service: a front page for operators, and a trace search."""

from collections.abc import Callable
from functools import partial
from typing import Any

from django.conf import settings
from django.contrib.admin import AdminSite
from django.contrib.auth.views import redirect_to_login
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.http import urlencode
from django.views.decorators.cache import never_cache

from microstore.staff.columns import links_elsewhere

FIGURES_FOR_SECONDS = 5


class StaffSite(AdminSite):
    """Admin site with a front page, a trace search and a second factor."""

    index_template = "staff/index.html"
    site_url = None
    enable_nav_sidebar = False  # the front page leads everywhere, and lists need the room
    index_title = "Today"

    def get_urls(self) -> list[Any]:
        from microstore.staff import second_factor_pages as pages  # noqa: PLC0415  # models are not loaded yet

        change = partial(pages.change, site=self)
        return [
            path("trace/", self.admin_view(self.trace), name="trace"),
            path("second-factor/", self.second_factor_view(pages.enter_code), name="second-factor"),
            path("second-factor/enrol/", self.second_factor_view(pages.enrol), name="enrol-second-factor"),
            path("second-factor/change/", self.admin_view(change), name="change-second-factor"),
            path("logout/", self.logout, name="logout"),  # Django's is for those who have passed
            # Nothing has an address outside of the admin, and a UUID that is none is an error there.
            *(each for each in super().get_urls() if getattr(each, "name", "") != "view_on_site"),
        ]

    def has_permission(self, request: HttpRequest) -> bool:
        from microstore.staff.second_factor import acts_as_staff  # noqa: PLC0415  # models are not loaded yet

        return acts_as_staff(request.user)

    def second_factor_view(self, view: Callable[[HttpRequest, AdminSite], HttpResponse]) -> Any:
        """Return the view for staff who have passed their password; others are sent to the log-in."""

        def guarded(request: HttpRequest) -> HttpResponse:
            if not super(StaffSite, self).has_permission(request):
                return redirect_to_login(request.get_full_path(), reverse("admin:login"))
            return view(request, self)

        return never_cache(guarded)

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        # Every page of the admin sends a session that has not passed here, also that of the shop's log-in.
        if request.method == "GET" and super().has_permission(request) and not self.has_permission(request):
            wanted = urlencode({"next": request.GET.get("next", "")})
            return redirect(f"{reverse('admin:second-factor')}?{wanted}")
        return super().login(request, extra_context)

    def password_change(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        from microstore.staff.password_page import GuardedPasswordChange  # noqa: PLC0415  # models are not loaded yet

        view = GuardedPasswordChange.as_view(
            success_url=reverse("admin:password_change_done"),
            template_name="registration/password_change_form.html",
            extra_context={**self.each_context(request), **(extra_context or {})},
        )
        request.current_app = self.name  # as Django's own does
        return view(request)

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        # Cached, since several people reload this page and each figure is a count of up to 10,000 rows.
        shown = cache.get_or_set("front-page", gather_overview, FIGURES_FOR_SECONDS) or {}
        links = {"elsewhere": links_elsewhere()}
        return super().index(request, {**shown, **links, **(extra_context or {})})

    def trace(self, request: HttpRequest) -> HttpResponse:
        """Serve the search by a trace id or an order id, limited to what the user may see."""
        from microstore.staff.overview import service_overview  # noqa: PLC0415  # the same
        from microstore.staff.peers import find_everywhere, viewer_of  # noqa: PLC0415  # models are not loaded yet
        from microstore.staff.trace import NoTrace, Trace, read_term  # noqa: PLC0415  # the same

        term, problem = request.GET.get("q", "").strip(), ""
        try:
            trace = find_everywhere(read_term(term), viewer_of(request.user))
        except NoTrace as why:
            listed = service_overview().find_list(term) if term else None
            if listed and request.user.has_perm(listed.permission):
                return redirect(listed.url)
            trace, problem = Trace(), str(why)
        context = self.each_context(request) | {
            "title": "Trace",
            "term": term,
            "search_hint": service_overview().SEARCH_HINT,
            "trace": trace,
            "log_links": [settings.LOG_LINK.format(trace_id=each) for each in sorted(trace.trace_ids)],
            "problem": problem,
        }
        return TemplateResponse(request, "staff/trace.html", context)


def gather_overview() -> dict[str, Any]:
    """Return figures, charts and queues of this service, for the front page's template."""
    from microstore.messaging.dead_letters import groups  # noqa: PLC0415  # the same
    from microstore.staff import messages  # noqa: PLC0415  # models are not loaded yet
    from microstore.staff.overview import service_overview  # noqa: PLC0415  # the same

    service = service_overview()
    return {
        "search_hint": service.SEARCH_HINT,
        "figures": [*service.figures(), *messages.figures()],
        "charts": service.charts(),
        "queues": messages.queue_depths(),
        "groups": groups.find_groups()[:5],
    }
