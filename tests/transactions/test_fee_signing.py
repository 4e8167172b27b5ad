"""A Function URL with IAM in front of it is asked with AWS's own signature."""

import hashlib
import hmac
import re
from collections.abc import Iterator

import pytest
import requests
from pytest_django import Settings

from microstore.fee_function import calls

URL = "https://abc123.lambda-url.eu-central-1.on.aws/"
SECRET, BODY = "crunchy/secret", b'{"orders": []}'


@pytest.fixture
def aws(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Credentials as the platform gives them."""
    settings.FEES_AWS_REGION = "eu-central-1"
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("AWS_SESSION_TOKEN", "of a role")
    calls.session.cache_clear()
    yield
    calls.session.cache_clear()


def prepared(body: bytes) -> requests.PreparedRequest:
    """A question as it goes out."""
    question = requests.Request("POST", URL, data=body, headers={"Content-Type": "application/json"})
    return calls.session().prepare_request(question)


def expected_signature(request: requests.PreparedRequest, body: bytes) -> str:
    """As the specification says: https://docs.aws.amazon.com/IAM/latest/UserGuide/create-signed-request.html"""
    credential, signed = re.findall(r"(?:Credential|SignedHeaders)=([^,]+)", request.headers["Authorization"])
    _, date, region, service, _ = credential.split("/")
    headers = {name.lower(): value for name, value in request.headers.items()} | {"host": URL[8:-1]}
    lines = "".join(f"{name}:{headers[name].strip()}\n" for name in signed.split(";"))
    canonical = f"POST\n/\n\n{lines}\n{signed}\n{hashlib.sha256(body).hexdigest()}"
    scope = f"{date}/{region}/{service}/aws4_request"
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    text = f"AWS4-HMAC-SHA256\n{headers['x-amz-date']}\n{scope}\n{digest}"
    key = f"AWS4{SECRET}".encode()
    for part in (date, region, service, "aws4_request", text):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key.hex()


@pytest.mark.usefixtures("aws")
def test_a_question_bears_the_signature_that_aws_expects() -> None:
    request = prepared(BODY)
    authorization = request.headers["Authorization"]
    assert "Credential=AKIDEXAMPLE/" in authorization
    assert "/eu-central-1/lambda/aws4_request" in authorization
    assert request.headers["x-amz-security-token"] == "of a role"
    assert authorization.endswith(f"Signature={expected_signature(request, BODY)}")


@pytest.mark.usefixtures("aws")
def test_another_question_has_another_signature() -> None:
    first, second = (prepared(body).headers["Authorization"] for body in (b"{}", b"[]"))
    assert first != second


def test_without_a_region_nothing_is_signed_so() -> None:
    assert "Authorization" not in prepared(b"{}").headers
