"""The images that docker-compose.yml and Dockerfile name: pulled, or stood in for by Debian's packages."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import yaml

from stack.containers.engine import Engine
from stack.places import ROOT, make_run_folder
from stack.report import say

DEBIAN = "bookworm"
BASE = "microstore-stand-in:debian"
STAND_INS = Path(__file__).parent / "images"
# The end of an image's name, and the stage of images/Dockerfile that stands in for it.
STAGES = {
    "lambda/python": "lambda",
    "nginx-unprivileged": "nginx",
    "postgres": "postgres",
    "python": "python",
    "rabbitmq": "rabbitmq",
    "redis": "redis",
}
PACKAGES = (
    "ca-certificates",
    "nginx-light",
    "postgresql-15",
    "python3-venv",
    "rabbitmq-server",
    "redis-server",
    "wget",
)
UNUSED = ("man", "doc", "locale")


def provide_images(engine: Engine) -> None:
    """Have every image that does not need building in the engine."""
    missing = [
        image for image in foreign_images() if not _is_there(engine, image) and not _pull(engine, image)
    ]
    if not missing:
        return
    say(f"Not to be pulled, so made of Debian's packages: {', '.join(missing)}")
    _import_base(engine)
    for image in missing:
        engine.run("docker", "build", "--quiet", "--target", _stage_of(image), "--tag", image, str(STAND_INS))


def foreign_images() -> Iterator[str]:
    """Yield the images of what `up` starts without a profile, and the one that ours is built on."""
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    services = compose["services"].values()
    [ours] = {service["image"] for service in services if "build" in service}
    images = {service["image"] for service in services if "profiles" not in service}
    [base] = re.findall(r"^ARG PYTHON_IMAGE=(\S+)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    yield from sorted((images - {ours}) | {base})


def _stage_of(image: str) -> str:
    name = image.partition("@")[0].rpartition(":")[0]
    return next(stage for end, stage in STAGES.items() if f"/{name}".endswith(f"/{end}"))


def _is_there(engine: Engine, image: str) -> bool:
    return engine.try_to_run("docker", "image", "inspect", image).returncode == 0


def _pull(engine: Engine, image: str) -> bool:
    return engine.try_to_run("docker", "pull", "--quiet", image).returncode == 0


def _import_base(engine: Engine) -> None:
    archive = make_run_folder("stand-ins") / f"{DEBIAN}.tar"
    if not archive.exists():
        say(f"Making a Debian with {', '.join(PACKAGES)} (once) ...")
        _make_archive(archive)
    engine.run("docker", "import", str(archive), BASE)


def _make_archive(archive: Path) -> None:
    certificates = "/etc/ssl/certs/ca-certificates.crt"
    options = [
        *(f"--dpkgopt=path-exclude=/usr/share/{folder}/*" for folder in UNUSED),
        "--dpkgopt=force-unsafe-io",
        '--aptopt=Acquire::Languages "none"',
        f"--include={','.join(PACKAGES)}",
        # This machine may trust an authority of its own, without which pip reaches nothing from inside.
        f"--customize-hook=copy-in {certificates} {Path(certificates).parent}",
    ]
    # One that was interrupted must not be taken for a whole one the next time.
    unfinished = archive.with_suffix(".unfinished.tar")
    subprocess.run(
        ["mmdebstrap", "--quiet", "--variant=minbase", *options, DEBIAN, str(unfinished)], check=True
    )
    unfinished.rename(archive)
