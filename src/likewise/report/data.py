"""Reports on the content and the quality of a data set, on the terminal and as HTML."""

from __future__ import annotations

import io
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import likewise
from likewise.data.catalogue import ProductData
from likewise.data.finding import Finding, describe
from likewise.data.images import has_pixels, image_array
from likewise.report.page import ReportPicture, data_uri, fill_page, write_page

THUMBNAIL = 160


@dataclass(frozen=True)
class Shown:
    """A finding with the pictures of its examples, one inner list per example."""

    finding: Finding
    pictures: list[list[ReportPicture]]


def facts(data: ProductData) -> list[tuple[str, str]]:
    """Return facts on the data as names and values."""
    catalogue, info = data.catalogue, data.catalogue.info
    rows = [("products", f"{len(catalogue):,}")]
    rows.append(("columns", ", ".join(map(_column, catalogue.features.items()))))
    known = {"licence": info.license, "cite": info.citation, "from": info.homepage}
    rows += [(name, " ".join(text.split())) for name, text in known.items() if text]
    rows.append(("fingerprint", data.fingerprint))
    rows += [(name, f"{len(chosen):,} products") for name, chosen in data.splits.items()]
    rows += [row for relevance in data.relevance for row in relevance.describe()]
    return rows


def print_report(data: ProductData, problems: list[Finding]) -> None:
    """Print facts, changes by reading and cleaning, and findings; mark those that spoil a study."""
    for name, text in facts(data):
        print(f"{name:<22} {text}")
    for sentence in data.findings:
        print(f"{'reading':<22} {sentence}")
    for finding in problems:
        print(
            f"{'! ' if finding.spoils else ''}{finding.kind:<{20 if finding.spoils else 22}} "
            f"{finding.sentence}"
        )


def write_data_report(name: str, data: ProductData, problems: list[Finding], path: Path) -> Path:
    """Write the page of the data set ``name``."""
    kinds = Counter(finding.kind for finding in problems)
    page = fill_page(
        "data_report.html.j2",
        name=name,
        facts=facts(data),
        reading=data.findings,
        spoiling=[finding for finding in problems if finding.spoils],
        kinds=[
            (kind, [_shown(data, finding) for finding in problems if finding.kind == kind])
            for kind in kinds
        ],
        version=likewise.__version__,
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    return write_page(page, path)


def _column(item: tuple[str, Any]) -> str:
    name, kind = item
    return f"{name} {list(kind.shape)}" if hasattr(kind, "shape") else name


def _shown(data: ProductData, finding: Finding) -> Shown:
    return Shown(finding, [[_thumbnail(data, row) for row in rows] for rows in finding.rows])


def _thumbnail(data: ProductData, row: int) -> ReportPicture:
    from PIL import Image

    if has_pixels(data.catalogue):
        pixels = image_array(data.catalogue.select([row]))[0]
        grey = len(pixels) < 3
        picture: Any = Image.fromarray(pixels[0] if grey else pixels[:3].transpose(1, 2, 0))
        scale = max(1, THUMBNAIL // max(picture.size))
        picture = picture.resize((picture.width * scale, picture.height * scale), 0)
    else:
        picture = data.catalogue[int(row)]["image"].convert("RGB")
        picture.thumbnail((THUMBNAIL, THUMBNAIL))
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    words = describe(data.catalogue, row)
    return ReportPicture(words, words, data_uri(buffer.getvalue()))
