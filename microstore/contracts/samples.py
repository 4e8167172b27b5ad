"""Reads and writes the messages of each release as they were on the wire, in the folder `releases`.

Tests replay them, so that no release loses what an earlier one has sent; the catalogue has them as examples.
`make samples` writes those of the present release.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

CONTRACTS = "contracts.json"
PUBLISHED = "published.json"
FRAMES = "frames.json"


class Sample(NamedTuple):
    """A message of a queue, with its AMQP properties and the text of its body, as the broker keeps them."""

    exchange: str
    routing_key: str
    properties: dict[str, Any]  # with `application_headers`
    body: str

    @property
    def task(self) -> str:
        """Name of the Celery task by which a worker finds its handler."""
        return str(self.properties["application_headers"]["task"])


class Frame(NamedTuple):
    """A frame of a WebSocket."""

    address: str
    text: str

    @property
    def type(self) -> str:
        """Value of the frame's field `type`."""
        return str(json.loads(self.text)["type"])


def releases(folder: Path) -> list[Path]:
    """Return the folders of all releases that are kept, oldest first."""
    return sorted(folder.glob("[0-9]*"), key=lambda each: [int(part) for part in each.name.split(".")])


def read_samples(release: Path) -> Iterator[Sample]:
    """Yield the messages of a release."""
    for file in sorted(release.glob("*.json")):
        if file.name not in (CONTRACTS, PUBLISHED, FRAMES):
            yield Sample(**read_json(file))


def read_frames(release: Path) -> list[Frame]:
    """Return the WebSocket frames of a release."""
    return [Frame(**each) for each in read_json(release / FRAMES)]


def write_samples(release: Path, samples: list[Sample], frames: list[Frame]) -> None:
    """Write a release's messages, a file each, and its frames."""
    release.mkdir(parents=True, exist_ok=True)
    for sample in samples:
        write_json(release / f"{sample.task}.json", sample._asdict())
    write_json(release / FRAMES, [frame._asdict() for frame in frames])


def read_json(file: Path) -> Any:
    """Return the content of a file of a release."""
    return json.loads(file.read_text(encoding="utf-8"))


def write_json(file: Path, content: object) -> None:
    """Write a file of a release, to be read by people too."""
    file.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
