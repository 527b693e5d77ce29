"""Conversion of table rows to products, with repairs and a record of defects."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any

from likewise.data.cleaning.price import parse_price
from likewise.data.table.base import SPLIT_NAMES
from likewise.data.table.columns import CONTENTS, TEXTS
from likewise.data.table.findings import Defect

# Bytes that were not UTF-8, as ``surrogateescape`` leaves them.
_FOREIGN = re.compile("[\udc80-\udcff]+")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]+")


def mend(
    row: Mapping[str, Any], roles: Mapping[str, str | list[str]], place: int | str
) -> tuple[dict[str, Any], list[Defect]]:
    """Return the product of a row, and its defects.

    Missing texts are ``None``. ``image`` is passed on unchanged.

    Args:
        row: values by column.
        roles: columns by role, as ``columns.resolve`` says.
        place: a name for the product if it has none.
    """
    defects: list[Defect] = []
    product: dict[str, Any] = {}
    for role, column in roles.items():
        if role == "attributes":
            product[role] = _attributes(row, column, defects)
        elif role == "reviews":
            product[role] = _reviews(row.get(str(column)), defects)
        elif role == "price":
            product[role] = _price(row.get(str(column)), defects)
        elif role == "image":
            product[role] = row.get(str(column))
        else:
            product[role] = _text(row.get(str(column)), defects)
    if product.get("product_id") is None:
        if "product_id" in roles:
            defects.append(Defect.NO_ID)
        product["product_id"] = f"row-{place}"
    if "title" in roles and product["title"] is None:
        defects.append(Defect.NO_TITLE)
    if "group" in roles and product["group"] is None:
        defects.append(Defect.NO_GROUP)
    if "split" in roles:
        product["split"] = SPLIT_NAMES.get((product["split"] or "").lower())
        if product["split"] is None:
            defects.append(Defect.SPLIT)
    return product, list(dict.fromkeys(defects))


def is_empty(product: Mapping[str, Any]) -> bool:
    """Whether a product has no content by which it could be compared."""
    return not any(product.get(name) for name in (*TEXTS, "attributes", "image", "reviews"))


def content(product: Mapping[str, Any]) -> list[Any]:
    """What a fingerprint of the product has to hold, its picture left out."""
    # Only where there is one, so that the fingerprints of other tables do not change.
    shop = ["shop"] if "shop" in product else []
    names = ("product_id", *CONTENTS, "group", "split", *shop)
    return [product.get(name) for name in names if name != "image"]


def text_of(value: Any) -> str | None:
    """A value as text without what does not belong there, ``None`` where there is none."""
    return _text(value, [])


def _text(value: Any, defects: list[Defect]) -> str | None:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    if isinstance(value, float) and value.is_integer():
        # pandas makes floats of whole numbers when one of them is missing.
        value = int(value)
    if isinstance(value, list | dict):
        defects.append(Defect.NESTED)
    text = value if isinstance(value, str) else _words(value)
    mended = _CONTROL.sub("", _FOREIGN.sub(_windows, text))
    if mended != text:
        defects.append(Defect.TEXT)
    return mended.strip() or None


def _words(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", errors="surrogateescape")
    return (
        json.dumps(value, ensure_ascii=False, default=str)
        if isinstance(value, list | dict)
        else str(value)
    )


def _windows(match: re.Match[str]) -> str:
    """Stray bytes are most often of Windows-1252, what older tools of Western shops write."""
    return match[0].encode("utf-8", errors="surrogateescape").decode("cp1252", errors="ignore")


def _price(value: Any, defects: list[Defect]) -> float | None:
    if isinstance(value, int | float) and not isinstance(value, bool):
        if isinstance(value, float) and math.isnan(value):
            return None
        price: float | None = float(value)
    else:
        text = text_of(value)
        if text is None:
            return None
        price = parse_price(text)
    if price is None or not math.isfinite(price) or price < 0:
        defects.append(Defect.PRICE)
        return None
    return price


def _attributes(
    row: Mapping[str, Any], column: str | list[str], defects: list[Defect]
) -> list[dict[str, str]]:
    if isinstance(column, list):
        pairs: Any = [(name, row.get(name)) for name in column]
    else:
        pairs = _pairs(row.get(column))
        if pairs is None:
            defects.append(Defect.ATTRIBUTES)
            return []
    texts = [(_text(name, defects), _text(value, defects)) for name, value in pairs]
    return [{"name": name, "value": value} for name, value in texts if name and value]


def _pairs(value: Any) -> list[tuple[Any, Any]] | None:
    """The names and values in a mapping, in a list of names and values, or in JSON of either."""
    if isinstance(value, str):
        if not value.strip():
            return []
        try:
            value = json.loads(value)
        except (json.JSONDecodeError, RecursionError):
            return None
    if value is None:
        return []
    if isinstance(value, dict):
        return list(value.items())
    if isinstance(value, list) and all(
        isinstance(pair, dict) and {"name", "value"} <= pair.keys() for pair in value
    ):
        return [(pair["name"], pair["value"]) for pair in value]
    return None


def _reviews(value: Any, defects: list[Defect]) -> list[str]:
    """The reviews in a list of texts, in JSON of such a list, or in a single text."""
    if isinstance(value, str) and value.lstrip().startswith("["):
        try:
            value = json.loads(value)
        except (json.JSONDecodeError, RecursionError):
            value = [value]
    texts = [_text(text, defects) for text in (value if isinstance(value, list) else [value])]
    return [text for text in texts if text]
