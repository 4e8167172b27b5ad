"""A service that `manage.py startservice` has made passes every check at once, without a line by hand."""

from pathlib import Path

import pytest

from tests.support.new_service import LISTINGS, copy_with_shipping, run, start_service
from tools.startservice import NoNewName, ensure_new_name

pytestmark = pytest.mark.timeout(300)
SHIPPING = LISTINGS | {"MICROSTORE_SERVICE": "shipping"}
CHECKS = {
    "lint": ("ruff", "check", "."),
    "format": ("ruff", "format", "--check", "."),
    "boundaries": ("lint-imports",),
    "packages": ("python", "-m", "tools.boundaries"),
    "deployment": ("python", "-m", "tools.deployment"),
    "reference": ("python", "-m", "tools.reference", "--check"),
    "migrations": ("python", "manage.py", "makemigrations", "--check", "shipping"),
}
# They compare Procfile, Compose, Kubernetes and Prometheus; the slow ones read each container's settings.
COMPARED = ("tests/test_compose_file.py", "tests/test_kubernetes.py", "tests/test_monitoring.py")
SLOW = "starts or content or key or flower or understands"


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copy_with_shipping(tmp_path_factory.mktemp("startservice"))


@pytest.mark.parametrize("name", CHECKS)
def test_a_new_service_is_green_at_once(copy: Path, name: str) -> None:
    done = run(copy, *CHECKS[name], **SHIPPING)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_new_service_is_in_every_file_of_a_deployment(copy: Path) -> None:
    done = run(copy, "pytest", "-q", *COMPARED, "-k", f"not ({SLOW})", "-p", "no:cacheprovider")
    assert done.returncode == 0, done.stdout[-5_000:]


@pytest.mark.parametrize(
    "name",
    [
        *("shipping", "listings", "notifications", "celery", "docs", "Parcels", "a-b", ""),
        *("class", "listener", "postgres", "control", "live"),  # of Python, of a user, of variables
    ],
)
def test_a_name_that_is_none_or_is_taken_changes_nothing(copy: Path, name: str) -> None:
    before = (copy / "Procfile").read_text()
    done = start_service(copy, name)
    assert done.returncode == 1
    assert "is there already" in done.stderr or "is no name" in done.stderr
    assert (copy / "Procfile").read_text() == before


def test_a_service_that_git_took_back_can_be_made_again(tmp_path: Path) -> None:
    bytecode = tmp_path / "parcels/__pycache__"
    bytecode.mkdir(parents=True)
    (bytecode / "models.cpython-311.pyc").touch()
    ensure_new_name("parcels", tmp_path)
    (tmp_path / "parcels/models.py").touch()
    with pytest.raises(NoNewName):
        ensure_new_name("parcels", tmp_path)
