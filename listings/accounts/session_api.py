"""Endpoints for the caller's open sessions and the history of the account."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from listings.accounts import history, open_sessions
from listings.accounts.models import AccountEvent
from listings.refusals import SessionNotFound
from microstore.auth.authentication import account_id
from microstore.http.filters import refuse_unknown
from microstore.http.max_body import takes_no_body
from microstore.http.problems import refuses


class OpenSessionSerializer(serializers.Serializer[Any]):
    """An open session of the caller."""

    id = serializers.UUIDField()
    kind = serializers.ChoiceField(choices=["api", "browser"])
    created_at = serializers.DateTimeField(help_text="When its owner logged in.")
    expires_at = serializers.DateTimeField()
    address = serializers.IPAddressField(allow_null=True, help_text="From where.")
    device = serializers.CharField(help_text="The `User-Agent` of that moment.")
    current = serializers.BooleanField(help_text="Whether it is the session of this request's token.")


class EndedSerializer(serializers.Serializer[Any]):
    """Number of sessions that were ended."""

    ended = serializers.IntegerField()


class AccountEventSerializer(serializers.ModelSerializer[AccountEvent]):
    """Something that happened to the caller's account."""

    class Meta:
        model = AccountEvent
        fields = ("id", "kind", "created_at", "address", "device")
        read_only_fields = fields


class SessionsView(APIView):
    """The open sessions of the caller."""

    @extend_schema(responses=OpenSessionSerializer(many=True))
    def get(self, request: Request) -> Response:
        """List your open sessions, newest first: those of programs and those of browsers."""
        refuse_unknown(request, known=())
        own = session_of(request)
        shown = [
            each._asdict() | {"current": each.id == own}
            for each in open_sessions.sessions_of(account_id(request))
        ]
        return Response(OpenSessionSerializer(shown, many=True).data)


class SessionView(APIView):
    """One session of the caller."""

    @extend_schema(responses={204: OpenApiResponse(description="Ended.")})
    @refuses(SessionNotFound)
    def delete(self, request: Request, session_id: UUID) -> Response:
        """End a session. Its access token stays valid until it expires, for half an hour at most."""
        open_sessions.end_session(session_id, user_id=account_id(request), request=request)
        return Response(status=204)


class EndOthersView(APIView):
    """All sessions of the caller but one."""

    @extend_schema(responses=EndedSerializer)
    @takes_no_body
    def post(self, request: Request) -> Response:
        """End all sessions but that of this request's token."""
        ended = open_sessions.end_others(account_id(request), but=session_of(request), request=request)
        return Response({"ended": ended})


class HistoryView(generics.ListAPIView[AccountEvent]):
    """History of the caller's account."""

    serializer_class = AccountEventSerializer
    queryset = AccountEvent.objects.none()

    def get_queryset(self) -> QuerySet[AccountEvent]:
        return history.events_of(account_id(self.request))

    @extend_schema(description="List what happened to your account, newest first: log-ins and changes.")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)


def session_of(request: Request) -> UUID | None:
    """Return the session of the request's token; None for a token of an earlier release, which names none."""
    claims: Any = request.auth
    named = claims.get("sid") if claims else None
    return UUID(named) if named else None
