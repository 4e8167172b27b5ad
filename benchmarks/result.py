"""The result of a part, saved as one JSON file that the next result replaces."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

Value = float | str


@dataclass
class Result:
    """Named figures, tables of figures, and the circumstances of the measurement."""

    figures: Mapping[str, Value] = field(default_factory=dict)
    tables: Mapping[str, Sequence[Mapping[str, Value]]] = field(default_factory=dict)
    circumstances: Mapping[str, Value] = field(default_factory=dict)

    def save(self, file: Path) -> None:
        """Write the JSON, replacing the result before."""
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(_rounded(asdict(self)), indent=1, ensure_ascii=False) + "\n")

    @classmethod
    def load(cls, file: Path) -> "Result":
        return cls(**json.loads(file.read_text()))


def _rounded(value: Any) -> Any:
    # Two runs differ in the second or third digit: more digits would only make the diffs longer.
    if isinstance(value, float):
        return float(f"{value:.4g}")
    if isinstance(value, Mapping):
        return {name: _rounded(part) for name, part in value.items()}
    return [_rounded(part) for part in value] if isinstance(value, list) else value
