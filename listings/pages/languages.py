"""The choice of a language, kept in a cookie and, for mails, in the profile."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.views import i18n
from django.views.decorators.http import require_POST

from listings.models import Profile


@require_POST
def set_language(request: HttpRequest) -> HttpResponse:
    """Keep the language that the form names, and redirect to the page that it was on."""
    chosen = request.POST.get("language", "")
    if request.user.is_authenticated and chosen in dict(settings.LANGUAGES):
        Profile.objects.update_or_create(user_id=request.user.pk, defaults={"language": chosen})
    return i18n.set_language(request)
