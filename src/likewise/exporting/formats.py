"""The formats of ``likewise export``."""

from __future__ import annotations

from likewise.exporting.base import ExportFormat
from likewise.exporting.onnx_graph import OnnxFormat
from likewise.exporting.sentence_transformer import SentenceTransformersFormat
from likewise.exporting.tensors import SafetensorsFormat

FORMATS: dict[str, type[ExportFormat]] = {
    kind.name: kind for kind in (OnnxFormat, SentenceTransformersFormat, SafetensorsFormat)
}
