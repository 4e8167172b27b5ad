"""Extensions of the API's schema: problems, strict serializers and the trace header."""

import re
from collections import defaultdict
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from django.core.validators import RegexValidator
from drf_spectacular.contrib.rest_framework_simplejwt import SimpleJWTScheme
from drf_spectacular.extensions import OpenApiSerializerExtension, OpenApiSerializerFieldExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ResolvedComponent
from drf_spectacular.utils import Direction, OpenApiExample, OpenApiResponse

from microstore.database.outage import UNAVAILABLE
from microstore.http.problem_schema import ProblemSerializer
from microstore.refusal import (
    CONTENT_TYPE,
    NotLoggedIn,
    Refusal,
    TokenExpired,
    TokenInvalid,
    TooManyRequests,
    name_of,
    problem,
    refusal,
)

HEADERS: dict[HTTPStatus, dict[str, str]] = {
    HTTPStatus.UNAUTHORIZED: {"WWW-Authenticate": "Authentication scheme: a bearer token."},
    HTTPStatus.TOO_MANY_REQUESTS: {"Retry-After": "Seconds until the quota allows another request."},
    HTTPStatus.SERVICE_UNAVAILABLE: {"Retry-After": "Seconds to wait before a retry."},
}
DETAILS = {
    HTTPStatus.BAD_REQUEST: "The request has invalid fields.",
    HTTPStatus.NOT_FOUND: "There is nothing here that you may see.",
    HTTPStatus.NOT_ACCEPTABLE: "Could not satisfy the request Accept header.",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "The request body is too large.",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "Unsupported media type in request.",
    HTTPStatus.SERVICE_UNAVAILABLE: UNAVAILABLE,
}
# Of every endpoint that has these statuses.
NAMED: dict[HTTPStatus, tuple[type[Refusal], ...]] = {
    HTTPStatus.UNAUTHORIZED: (NotLoggedIn, TokenExpired, TokenInvalid),
    HTTPStatus.TOO_MANY_REQUESTS: (TooManyRequests,),
}
DIGITS = "^[0-9]{1,18}$", "^[1-9][0-9]{0,17}$"
TEXT_OF_FILTER = {"type": "string", "pattern": "^[^\\u0000]*$"}  # Django's form fields refuse this character
UUID_PATTERN = "^[0-9a-fA-F-]{36}$"
NUMBER = {"type": "integer", "format": "int64", "minimum": 0, "maximum": 10**18 - 1}


class TokenScheme(SimpleJWTScheme):
    """Security scheme of the header `Authorization: Bearer …`."""

    target_class = "microstore.auth.authentication.TokenAuthentication"
    name = "token"


class StrictText(OpenApiSerializerFieldExtension):
    """Schema of a string that must not be blank: one character at least, and not only spaces if trimmed."""

    target_class = "microstore.http.serializers.StrictCharField"
    match_subclasses = True

    def map_serializer_field(self, auto_schema: AutoSchema, direction: Direction) -> Any:
        field = self.target
        text = auto_schema._map_serializer_field(field, direction, bypass_extensions=True)
        if field.allow_blank or any(isinstance(check, RegexValidator) for check in field.validators):
            return text
        return text | ({"pattern": r"\S"} if field.trim_whitespace else {"minLength": 1})


class StrictObject(OpenApiSerializerExtension):
    """Schema of a request without additional fields; responses stay open, since later releases add fields."""

    target_class = "microstore.http.serializers.RefuseUnknownFields"
    match_subclasses = True

    def map_serializer(self, auto_schema: AutoSchema, direction: Direction) -> Any:
        described = auto_schema._map_serializer(self.target, direction, bypass_extensions=True)
        return described | ({"additionalProperties": False} if direction == "request" else {})


class Schema(AutoSchema):
    """Schema of an endpoint, with the problems that it may return and the trace id of every response."""

    def _get_response_bodies(self, direction: Direction = "response") -> Any:
        bodies = super()._get_response_bodies(direction)
        for body in bodies.values():
            body.setdefault("headers", {})["X-Trace-Id"] = self._trace_header()
        refusals = defaultdict(list)
        for refused in getattr(self._method(), "refusals", ()):
            refusals[refused.status].append(refused)
        for status in {*self._statuses(), *refusals}:
            bodies.setdefault(str(status.value), self._problem(status, refusals[status]))
        return dict(sorted(bodies.items()))

    def get_request_serializer(self) -> Any:
        return None if getattr(self._method(), "takes_no_body", False) else super().get_request_serializer()

    def get_summary(self) -> str:
        return super().get_summary() or re.split(r"[.;]\s|[.]$", self.get_description() or "")[0].strip()

    def get_tags(self) -> list[str]:
        # By the first part of the address below /api/, as viewers list operations.
        return [self.path.removeprefix("/api/").strip("/.").partition("/")[0]]

    def _resolve_path_parameters(self, variables: Any) -> Any:
        parameters = super()._resolve_path_parameters(variables)
        for parameter in parameters:
            # The address matches text; a client has read the id as a number, in bodies.
            if parameter["schema"].get("pattern") in DIGITS:
                parameter["schema"] = NUMBER
            if parameter["schema"].get("pattern") == UUID_PATTERN:
                parameter["schema"] = {"type": "string", "format": "uuid"}
        return parameters

    def _get_filter_parameters(self) -> Any:
        # HTML forms send every field: a filter that is left empty filters nothing.
        parameters = [parameter | {"allowEmptyValue": True} for parameter in super()._get_filter_parameters()]
        for parameter in parameters:
            if parameter["schema"] == {"type": "string"}:
                parameter["schema"] = TEXT_OF_FILTER
        return parameters

    def _statuses(self) -> Iterator[HTTPStatus]:
        yield HTTPStatus.NOT_ACCEPTABLE
        yield HTTPStatus.SERVICE_UNAVAILABLE
        if self.view.get_authenticators():
            yield HTTPStatus.UNAUTHORIZED
        if self._get_parameters() or self.method == "GET":  # which refuses parameters that it does not know
            yield HTTPStatus.BAD_REQUEST
        if "{" in self.path or self._get_pagination_parameters():
            yield HTTPStatus.NOT_FOUND
        if self._get_request_body():
            yield HTTPStatus.BAD_REQUEST
            yield HTTPStatus.REQUEST_ENTITY_TOO_LARGE
            yield HTTPStatus.UNSUPPORTED_MEDIA_TYPE
        if self.view.throttle_classes and (self._is_public() or getattr(self.view, "throttle_scope", None)):
            yield HTTPStatus.TOO_MANY_REQUESTS

    def get_auth(self) -> list[dict[str, Any]]:
        # Viewers draw a padlock for a list that has one empty way alone, though no token is looked at there.
        auth: list[dict[str, Any]] = super().get_auth()
        return [] if auth == [{}] else auth

    def _is_public(self) -> bool:
        auth = self.get_auth()
        return not auth or {} in auth

    def _method(self) -> Any:
        return getattr(self.view, getattr(self.view, "action", None) or self.method.lower(), None)

    def _problem(self, status: HTTPStatus, refusals: list[type[Refusal]]) -> Any:
        # A component: the schema holds a problem that many endpoints share once.
        name = "Or".join(refused.__name__ for refused in refusals) or name_of(status).replace(" ", "")
        answer = ResolvedComponent(name, ResolvedComponent.RESPONSE, object=status)
        if answer not in self.registry:
            answer.schema = self._describe_problem(status, refusals)
            self.registry.register(answer)
        return answer.ref

    def _describe_problem(self, status: HTTPStatus, refusals: list[type[Refusal]]) -> Any:
        examples = [as_example(refused) for refused in (*refusals, *NAMED.get(status, ()))]
        if status in DETAILS:
            value = problem(status, DETAILS[status])
            examples.append(OpenApiExample(name_of(status), value, media_type=CONTENT_TYPE))
        response = OpenApiResponse(
            ProblemSerializer, " ".join(map(first_line, refusals)) or name_of(status), examples
        )
        headers = {name: header(text) for name, text in HEADERS.get(status, {}).items()}
        body: dict[str, Any] = self._get_response_for_code(response, str(status.value), [CONTENT_TYPE])
        return body | {"headers": headers | {"X-Trace-Id": self._trace_header()}}

    def _trace_header(self) -> Any:
        text = header("Trace id of the request: quote it to support.")
        shared = ResolvedComponent("X-Trace-Id", ResolvedComponent.HEADER, text, text)
        self.registry.register_on_missing(shared)
        return shared.ref


def header(description: str) -> dict[str, Any]:
    """Return the schema of a response header."""
    return {"schema": {"type": "string"}, "description": description}


def first_line(refused: type[Refusal]) -> str:
    """Return the first line of the refusal's docstring."""
    return (refused.__doc__ or "").partition("\n")[0]


def as_example(refused: type[Refusal]) -> OpenApiExample:
    """Return the refusal's problem as an example."""
    value = refusal(refused(first_line(refused)))
    return OpenApiExample(value["title"], value, media_type=CONTENT_TYPE)
