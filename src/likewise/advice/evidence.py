"""The committed table of measured results that advice is drawn from."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from likewise.advice.profile import DataProfile
from likewise.errors import LikewiseError
from likewise.experiment.composition import shipped

FILE = "evidence.json"


@dataclass(frozen=True)
class Measured:
    """One method of one study on one data set.

    Attributes:
        study, method: as the results page names them.
        data: the key of the data in the table: its overrides.
        task: the task, by its name in the config.
        setting: overrides of how the task scores, such as ``protocol=gallery``.
        overrides: the composition without data, task and setting.
        parts: the choice of each group of the config that this composition makes.
        primary, label: the name and the label of the metric of ``score``.
        score: mean over seeds.
        spread: standard deviation over runs; ``None`` for one run.
        interval: 95 % interval of the mean over seeds and test units; ``None`` if there is none.
        not_worse: whether the corrected paired test of the study does not find it worse than the
            study's best; ``None`` where the page has no such test.
        seconds: mean seconds of training.
        seeds: number of seeds.
        device, accelerator: of the runs; ``cpu`` or ``cuda``.
        cautions: what the page warns of.
    """

    study: str
    method: str
    data: str
    task: str
    setting: tuple[str, ...]
    overrides: tuple[str, ...]
    primary: str
    label: str
    score: float
    spread: float | None
    interval: tuple[float, float] | None
    not_worse: bool | None
    seconds: float
    seeds: int
    device: str
    accelerator: str
    cautions: tuple[str, ...] = ()
    parts: Mapping[str, str] = field(default_factory=dict)

    def facts(self) -> dict[str, Any]:
        """Return it as plain data, with lists for tuples."""
        return {
            key: list(value) if isinstance(value, tuple) else value
            for key, value in asdict(self).items()
        }

    def sentence(self) -> str:
        """The score with its uncertainty and where it comes from."""
        spread = "" if self.spread is None else f" ± {self.spread:.4f}"
        plural = "seed" if self.seeds == 1 else "seeds"
        found = f"{self.label} {self.score:.4f}{spread} over {self.seeds} {plural}"
        if self.interval:
            found += f", 95 % interval {self.interval[0]:.4f} to {self.interval[1]:.4f}"
        return f"{found} ({self.method} of experiments/{self.study})"

    def is_separated_from(self, other: Measured) -> bool | None:
        """Whether it is significantly better than another one; ``None`` if that was not tested.

        Within a study the paired test with its correction counts. Elsewhere only intervals that do
        not touch tell two methods apart, which is stricter.
        """
        if self.study == other.study and self.not_worse and other.not_worse is not None:
            return not other.not_worse
        if self.interval and other.interval and self.interval[0] > other.interval[1]:
            return True
        return None


@dataclass(frozen=True)
class MeasuredData:
    """A data set of the table.

    Attributes:
        name: of the data without its options, such as ``product_matching/abt_buy``.
        profile: as ``describe_data`` saw the data when the table was made.
    """

    name: str
    profile: DataProfile


@dataclass(frozen=True)
class EvidenceTable:
    """All that was measured.

    Attributes:
        data: by their overrides.
        rows: all measured methods; each key ``data`` is in ``data``.
    """

    data: Mapping[str, MeasuredData]
    rows: Sequence[Measured]

    def without(self, names: Sequence[str]) -> EvidenceTable:
        """Return the table without all rows of some data sets.

        Raises:
            LikewiseError: a name is not in the table.
        """
        known = sorted({one.name for one in self.data.values()})
        if strange := [name for name in names if name not in known]:
            raise LikewiseError(
                f"--without {strange[0]} is not a data set of the evidence; it has "
                f"{', '.join(known)}"
            )
        kept = {key: one for key, one in self.data.items() if one.name not in names}
        return EvidenceTable(kept, [row for row in self.rows if row.data in kept])

    def to_json(self) -> str:
        """Return the table as JSON with one line per data set and row, for readable diffs."""
        data = [
            f"  {json.dumps(key)}: {json.dumps({'name': one.name, **one.profile.facts()})}"
            for key, one in sorted(self.data.items())
        ]
        rows = [f"  {json.dumps(row.facts(), ensure_ascii=False)}" for row in self.rows]
        parts = [",\n".join(data), ",\n".join(rows)]
        return f'{{"data": {{\n{parts[0]}\n}},\n"rows": [\n{parts[1]}\n]}}\n'

    @classmethod
    def of_json(cls, text: str) -> EvidenceTable:
        """Read what ``to_json`` wrote."""
        content = json.loads(text)
        data = {
            key: MeasuredData(one.pop("name"), DataProfile.of(one))
            for key, one in content["data"].items()
        }
        rows = [Measured(**_with_tuples(row)) for row in content["rows"]]
        return cls(data, rows)


def _with_tuples(row: Mapping[str, Any]) -> dict[str, Any]:
    return {key: tuple(one) if isinstance(one, list) else one for key, one in row.items()}


def shipped_evidence() -> EvidenceTable:
    """The table that the package ships, ``experiments/evidence.json``."""
    path = shipped("experiments") / FILE
    return EvidenceTable.of_json(path.read_text(encoding="utf-8"))
