"""From a catalogue to the measured methods that suit it: the nearest data first."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from likewise.advice.evidence import EvidenceTable, Measured, MeasuredData
from likewise.advice.fitting import is_untrained_encoder, obstacle
from likewise.advice.profile import DataProfile, Supervision, distance
from likewise.advice.question import Question
from likewise.advice.ranking import TimedMethod, by_score, leading
from likewise.advice.tasks import kindred, task_classes
from likewise.errors import LikewiseError
from likewise.matchers.base import EmbeddingMatcher


@dataclass(frozen=True)
class NearData:
    """Data of the evidence, and how near they are.

    Attributes:
        known: the data.
        rows: all methods that were measured on them for one task in one way.
        own, supervision: the user's and theirs for this task; ``None`` where products are compared.
        apart, far: see ``distance``.
        scale: the number of training units, or of products, of the user's data divided by theirs.
    """

    known: MeasuredData
    rows: Sequence[Measured]
    own: Supervision | None
    supervision: Supervision | None
    apart: float
    far: float
    scale: float


@dataclass(frozen=True)
class Selection:
    """The methods to start from.

    Attributes:
        methods: the first choice and, if there is one, the second.
        near: the data on which they were measured.
        thin: sentences on why the evidence is thin.
    """

    methods: Sequence[TimedMethod]
    near: NearData
    thin: Sequence[str]


def select(question: Question, table: EvidenceTable) -> Selection:
    """Find the measured methods that suit the data best.

    Raises:
        LikewiseError: no committed result can be used on these data.
    """
    for rows, untrained, thin in _pools(question, table):
        nearer: list[str] = []
        worse = {row.overrides for row in rows if row.not_worse is False}
        for near in _by_nearness(question, table, rows, compare_products=untrained):
            timed = by_score(near.rows, near.scale, question.budget)
            if found := leading(_usable(question, timed, untrained), worse):
                return Selection(found, near, [*thin, *_skipped(nearer, near.known.name)])
            nearer.append(near.known.name)
    wanted = f"task={question.task}" if question.task else "products without labels"
    raise LikewiseError(
        f"no committed result of {wanted}, or of a task like it, can be used on these data, so "
        "there is nothing to base advice on; compare some methods by likewise study"
    )


def _pools(
    question: Question, table: EvidenceTable
) -> Iterator[tuple[list[Measured], bool, list[str]]]:
    """Rows to choose from, whether only untrained encoders count, and why they say little."""
    classes = task_classes(question.config_dir)
    asked = question.task
    if asked is not None:
        yield [row for row in table.rows if row.task == asked], False, []
        wanted = classes[asked].scorer_kind
        kin = kindred(asked, classes)
        rows = [row for row in table.rows if row.task in kin]
        tasks = ", ".join(sorted({row.task for row in rows}))
        because = (
            f"No result of task={asked} in the evidence can be used; the results are of other "
            f"tasks that score the same kind of model by relevance of the same family ({tasks})."
        )
        yield rows, False, [because]
        if not issubclass(EmbeddingMatcher, wanted):
            return
    embeds = {
        name for name, kind in classes.items() if issubclass(EmbeddingMatcher, kind.scorer_kind)
    }
    rows = [row for row in table.rows if row.task in embeds]
    because = (
        "These data name no similar products, so nothing can be trained or tested on them; the "
        "results are of untrained encoders on other data."
        if asked is None
        else f"No result of task={asked} in the evidence can be used; the results are of untrained "
        "encoders on other tasks."
    )
    yield rows, True, [because]


def _skipped(nearer: Sequence[str], used: str) -> list[str]:
    names = [name for name in dict.fromkeys(nearer) if name != used]
    if not names:
        return []
    return [f"Nothing that was measured on nearer data can be used here ({', '.join(names)})."]


def _by_nearness(
    question: Question, table: EvidenceTable, rows: Sequence[Measured], compare_products: bool
) -> list[NearData]:
    """Rows by the data and the way in which they were measured, the nearest data first."""
    groups: dict[tuple[str, str, str, tuple[str, ...]], list[Measured]] = defaultdict(list)
    for row in rows:
        groups[row.data, row.task, row.primary, row.setting].append(row)
    relevance = {name: kind.relevance for name, kind in task_classes(question.config_dir).items()}

    def supervision(profile: DataProfile, task: str | None) -> Supervision | None:
        known = compare_products or task is None
        return None if known else profile.supervision[relevance[task or ""].__name__]

    profile, own = question.profile, supervision(question.profile, question.task)
    found = []
    for (key, task, _, setting), members in groups.items():
        known = table.data[key]
        theirs = supervision(known.profile, task)
        apart, far = distance(profile, known.profile, own, theirs)
        sizes = (
            (profile.products, known.profile.products)
            if own is None or theirs is None
            else (own.units, theirs.units)
        )
        scale = sizes[0] / max(1, sizes[1])
        other = len({*setting} ^ {one for one in question.overrides if _is_setting(one)})
        found.append(
            ((apart, other, far), NearData(known, members, own, theirs, apart, far, scale))
        )
    return [one for _, one in sorted(found, key=lambda pair: pair[0])]


def _is_setting(override: str) -> bool:
    key = override.lstrip("+~").partition("=")[0]
    return key == "protocol" or key.startswith(("task.", "metrics"))


def _usable(
    question: Question, timed: Sequence[TimedMethod], untrained: bool
) -> Iterator[TimedMethod]:
    """Those methods that can be used on the data; each is composed when it is asked for."""
    for one in timed:
        config = question.compose(one.measured)
        if untrained and not is_untrained_encoder(config):
            continue
        if obstacle(config, question.data) is None:
            yield one
