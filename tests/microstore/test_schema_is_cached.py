"""The schema, which costs a tenth of a second to make and which anybody may fetch, is made once."""

import json
from typing import Any

import pytest
import yaml
from django.test import Client
from drf_spectacular.generators import SchemaGenerator

from microstore.http.schema_view import rendered_schema

pytestmark = pytest.mark.django_db

JSON = "application/vnd.oai.openapi+json"


def test_the_schema_is_made_once(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    rendered_schema.cache_clear()
    made = []
    make: Any = SchemaGenerator.get_schema

    def make_counted(*args: Any, **kwargs: Any) -> Any:
        made.append(1)
        return make(*args, **kwargs)

    monkeypatch.setattr(SchemaGenerator, "get_schema", make_counted)
    answers = [client.get("/api/schema/", {"lang": "de", "version": str(number)}) for number in range(5)]
    assert len(made) == 1
    assert len({answer.content for answer in answers}) == 1
    assert all(answer.status_code == 200 for answer in answers)


def test_the_schema_is_yaml_or_json(client: Client) -> None:
    as_yaml, as_json = client.get("/api/schema/"), client.get("/api/schema/", headers={"Accept": JSON})
    assert (as_yaml.headers["Content-Type"], as_json.headers["Content-Type"]) == (
        "application/vnd.oai.openapi",
        JSON,
    )
    assert yaml.safe_load(as_yaml.content) == json.loads(as_json.content)
    assert client.get("/api/schema/?format=json").content == as_json.content
    assert client.get("/api/schema/", headers={"Accept": "image/png"}).status_code == 406


def test_who_has_the_schema_is_not_sent_it_again(client: Client) -> None:
    first = client.get("/api/schema/")
    again = client.get("/api/schema/", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", first.headers["ETag"])
    assert client.get("/api/schema/", headers={"If-None-Match": '"another"'}).status_code == 200
    other = client.get("/api/schema/", headers={"If-None-Match": first.headers["ETag"], "Accept": JSON})
    assert other.status_code == 200
