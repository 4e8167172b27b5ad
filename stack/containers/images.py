"""The images that docker-compose.yml and Dockerfile name: pulled, or stood in for by Debian's packages."""

import re
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import yaml

from stack.containers.engine import Engine
from stack.places import ROOT
from stack.report import timed
from stack.servers.debian_release import make_file_system

STAND_INS = Path(__file__).parent / "images"
PULLED_WITHIN_SECONDS = 300
# PostgreSQL runs without its compiler of queries, which is a quarter of everything.
WITHOUT = ("/usr/lib/*/libLLVM*", "/usr/lib/postgresql/*/lib/llvmjit*", "/usr/lib/postgresql/*/lib/bitcode/*")


@dataclass(frozen=True)
class Base:
    """The packages that stand-ins are made of."""

    release: str
    packages: Sequence[str]

    @property
    def image(self) -> str:
        """The name under which stand-ins are built on it."""
        return f"microstore-stand-in:{self.release}"


SERVERS = Base(
    "bookworm", ("ca-certificates", "nginx-light", "postgresql-15", "python3-venv", "redis-server", "wget")
)
BROKER = Base("trixie", ("rabbitmq-server",))
# The end of an image's name; the stage of images/Dockerfile that stands in for it, and the packages it needs.
STAGES: Mapping[str, tuple[str, Base]] = {
    "lambda/python": ("lambda", SERVERS),
    "nginx-unprivileged": ("nginx", SERVERS),
    "postgres": ("postgres", SERVERS),
    "python": ("python", SERVERS),
    "rabbitmq": ("rabbitmq", BROKER),
    "redis": ("redis", SERVERS),
}


def provide_images(engine: Engine) -> None:
    """Have every image that does not need building in the engine."""
    with ThreadPoolExecutor() as pool:
        wanted = list(foreign_images())
        with timed("images looked for, and pulled where a registry answers"):
            there = list(pool.map(lambda image: _is_there(engine, image) or _pull(engine, image), wanted))
        missing = [image for image, is_there in zip(wanted, there, strict=True) if not is_there]
        if not missing:
            return
        with timed(f"made of Debian's packages: {', '.join(missing)}"):
            bases = {_stage_of(image)[1] for image in missing}
            list(pool.map(lambda base: _import_base(engine, base), bases))
            _build(engine, missing)


def foreign_images() -> Iterator[str]:
    """Yield the images of what `up` starts without a profile, and the one that ours is built on."""
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    services = compose["services"].values()
    [ours] = {service["image"] for service in services if "build" in service}
    images = {service["image"] for service in services if "profiles" not in service}
    [base] = re.findall(r"^ARG PYTHON_IMAGE=(\S+)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    yield from sorted((images - {ours}) | {base})


def _stage_of(image: str) -> tuple[str, Base]:
    name = image.partition("@")[0].rpartition(":")[0]
    return next(stage for end, stage in STAGES.items() if f"/{name}".endswith(f"/{end}"))


def _is_there(engine: Engine, image: str) -> bool:
    return engine.try_to_run("docker", "image", "inspect", image).returncode == 0


def _pull(engine: Engine, image: str) -> bool:
    # A registry that takes packets and answers none would be waited for as long as everything else may take.
    limited = ("timeout", str(PULLED_WITHIN_SECONDS), "docker", "pull", "--quiet", image)
    return engine.try_to_run(*limited).returncode == 0


def _import_base(engine: Engine, base: Base) -> None:
    archive = make_file_system(base.release, base.packages, kind="tar", without=WITHOUT)
    engine.run("docker", "import", str(archive), base.image)


def _build(engine: Engine, missing: Sequence[str]) -> None:
    # By Compose, which builds side by side, and leaves out the stages that nothing of it is built on.
    services = {
        f"stand-in-{number}": {
            "image": image,
            "build": {"context": str(STAND_INS), "target": _stage_of(image)[0]},
        }
        for number, image in enumerate(missing)
    }
    stand_ins = yaml.safe_dump({"services": services}).encode()
    engine.run("docker", "compose", "--project-name", "stand-ins", "--file", "-", "build", said=stand_ins)
