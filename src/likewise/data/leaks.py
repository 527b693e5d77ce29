"""Leaks: products of one split that are also in another; they are found, counted and removed."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

import numpy as np

from likewise.data.catalogue import ProductData
from likewise.data.contents import CORRELATION, HASH_DISTANCE, JACCARD, contents_of
from likewise.data.duplicates import KINDS, Split, duplicates, identities
from likewise.errors import LikewiseError

# (earlier, later): what is learnt or chosen on the earlier split is judged on the later one.
PAIRS = (("train", "validation"), ("train", "test"), ("validation", "test"))


@dataclass(frozen=True)
class Leak:
    """A product of a later split and its duplicate in an earlier one.

    Attributes:
        earlier, later: the names of the splits.
        row, counterpart: rows of the catalogue, in the later split and in the earlier one.
        kind: ``exact`` or ``near``.
        modality: ``image`` or ``text``, in which they are duplicates.
        likeness: correlation of the pictures or Jaccard similarity of the texts; 1 if exact.
    """

    earlier: str
    later: str
    row: int
    counterpart: int
    kind: str
    modality: str
    likeness: float


@dataclass(frozen=True)
class Leaks:
    """The duplicates across the splits of a catalogue.

    Attributes:
        checked: the modalities that were compared; without any, nothing is known.
        found: every product of a later split that has a duplicate, with the most alike of its
            counterparts, and every such counterpart, with the most alike of its products. Not all
            pairs: there can be as many as the splits have products squared.
    """

    checked: tuple[str, ...]
    found: tuple[Leak, ...]

    def counts(self) -> dict[tuple[str, str], dict[str, int]]:
        """Products of the later split by pair of splits (earlier, later) and kind.

        A product that has an exact and also a near-duplicate counts under both.
        """
        rows: dict[tuple[str, str], dict[str, set[int]]] = {
            pair: {kind: set() for kind in KINDS} for pair in PAIRS
        }
        for leak in self.found:
            rows[leak.earlier, leak.later][leak.kind].add(leak.row)
        return {
            pair: {kind: len(found) for kind, found in kinds.items()}
            for pair, kinds in rows.items()
        }


def find_leaks(
    data: ProductData,
    *,
    hash_distance: int = HASH_DISTANCE,
    correlation: float = CORRELATION,
    jaccard: float = JACCARD,
) -> Leaks:
    """Find the exact and near-duplicates between the splits.

    Pictures (the ``image`` column) are exact duplicates if their bytes are the same, and near ones
    as ``PictureDuplicates`` defines. Texts (``title`` and ``description``, joined) are exact
    duplicates if they are the same after ``normalised``, and near ones as ``TextDuplicates``
    defines. Products without any text have no duplicates by text. Rotated or mirrored pictures are
    not found, and pictures of a single colour are duplicates only if they are identical.

    The defaults for pictures were chosen on Fashion-MNIST (70,000 pictures, default splits) by
    looking at all 37 pairs across its splits whose pixels correlate with 0.995 or more and at
    samples of those down to 0.97. Of the 37, 27 have hashes no more than 4 bits apart: the same
    photograph, or the same cut in another shade or with another detail. The other 10 are mostly
    different pairs of plain trousers, as are most of the 1,061 pairs between 0.985 and 0.995. So
    7 validation and 12 test products have a near-duplicate in training and 1 test product has one
    in validation; all 70,000 pictures differ, so none is an exact duplicate. Of 1,500 of these
    pictures, saved again as JPEG of quality 90, 99.5% were recognised; with normal noise of 5 grey
    levels, 93%; with one random pixel changed to a random value, 82%.

    Measured on one busy core: 12 s for Fashion-MNIST, 15 s for 20,000 texts of 270 characters.

    Args:
        data: a catalogue and its splits.
        hash_distance: largest Hamming distance, of 64 bits, between the hashes of near-duplicate
            pictures.
        correlation: least correlation of their pixels.
        jaccard: least Jaccard similarity of near-duplicate texts, on 5-character shingles.
    """
    if not 0 <= hash_distance <= 64:
        raise LikewiseError(f"hash_distance={hash_distance} must be between 0 and 64 bits")
    for name, value in (("correlation", correlation), ("jaccard", jaccard)):
        if not 0 < value <= 1:
            raise LikewiseError(f"{name}={value} must be above 0 and at most 1")
    rows = np.concatenate([data.splits[name] for name in ("train", "validation", "test")])
    contents = contents_of(data.catalogue, rows, hash_distance, correlation, jaccard)
    found = []
    for modality, content in contents.items():
        identity = identities(content, len(data.catalogue))
        splits = {name: Split(rows, identity) for name, rows in data.splits.items()}
        for earlier, later in PAIRS:
            for row, other, kind, likeness in duplicates(content, splits[later], splits[earlier]):
                found.append(Leak(earlier, later, row, other, kind, modality, likeness))
    return Leaks(tuple(contents), tuple(found))


def remove_leaks(data: ProductData, leaks: Leaks) -> ProductData:
    """Return the data without the counterparts of the leaked products in earlier splits.

    Products are removed from the earlier split of a pair, so that the published test split is not
    changed. The catalogue keeps its rows. The fingerprint changes if a product was removed.
    """
    if not leaks.found:
        return data
    removed = {
        name: np.unique([leak.counterpart for leak in leaks.found if leak.earlier == name])
        for name in data.splits
    }
    splits = {name: rows[~np.isin(rows, removed[name])] for name, rows in data.splits.items()}
    digest = hashlib.sha256(data.fingerprint.encode())
    for name in sorted(removed):
        digest.update(f"{name}:{removed[name].tolist()}".encode())
    relevance = tuple(known.without(splits) for known in data.relevance)
    return replace(data, splits=splits, fingerprint=digest.hexdigest()[:16], relevance=relevance)
