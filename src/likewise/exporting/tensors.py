"""The weights of the encoder as a file of named tensors."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from likewise.errors import LikewiseError
from likewise.exporting.base import ExportFormat

if TYPE_CHECKING:
    import numpy as np

    from likewise.runs.saved import SavedRun

FILE = "encoder.safetensors"
TENSORS = "tensors.json"


class SafetensorsFormat(ExportFormat):
    """Writes ``encoder.safetensors``, and the name, shape and type of each tensor as JSON.

    These are the weights that are needed to embed products: no matcher, no loss, no optimiser, and
    no part that only training uses, such as a generator.
    """

    name = "safetensors"

    def write(self, run: SavedRun, rows: np.ndarray, folder: Path) -> str:
        """See ``ExportFormat``."""
        import torch
        from safetensors.torch import load_file, save_file

        module = run.encoder.inference_module
        state = {
            name: values.detach().cpu().contiguous().clone()
            for name, values in module.state_dict().items()
        }
        if not state:
            raise LikewiseError(
                f"{type(module).__name__} has no weights, so there is nothing to write as "
                "safetensors; use --format onnx"
            )
        save_file(state, folder / FILE, metadata={"format": "pt"})
        described = {
            name: {"dtype": str(values.dtype).removeprefix("torch."), "shape": list(values.shape)}
            for name, values in state.items()
        }
        text = json.dumps(described, indent=2) + "\n"
        (folder / TENSORS).write_text(text, encoding="utf-8")
        written = load_file(folder / FILE)
        if not all(torch.equal(values, written[name]) for name, values in state.items()):
            raise LikewiseError(f"{FILE} does not hold the tensors that were written into it")
        numbers = sum(values.numel() for values in state.values())
        return f"{len(state)} tensors with {numbers:,} numbers, equal when they are read again"
