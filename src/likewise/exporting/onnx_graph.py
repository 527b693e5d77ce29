"""The encoder as a graph of ONNX."""

from __future__ import annotations

import logging
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from likewise.errors import LikewiseError
from likewise.exporting.base import ExportFormat, check_equal

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor, nn

    from likewise.data.products import Products
    from likewise.encoders.base import Encoder
    from likewise.runs.saved import SavedRun

FILE = "encoder.onnx"
OUTPUT = "embeddings"
# Products of which the graph is made; others check that it does not depend on their number.
TRACED = 3


class OnnxFormat(ExportFormat):
    """Writes ``encoder.onnx``, which maps the tensors of the readers to embeddings.

    The inputs have the names, the shapes and the types that the description of the export states:
    pictures are uint8 and token ids int32, just as readers give them. The number of products and
    the length of texts are free.
    """

    name = "onnx"
    packages: ClassVar[tuple[str, ...]] = ("onnx", "onnxscript", "onnxruntime")

    def write(self, run: SavedRun, rows: np.ndarray, folder: Path) -> str:
        """See ``ExportFormat``."""
        encoder = run.encoder.cpu().eval()
        readers = run.model.readers
        products = {key: reader(run.data.catalogue, rows) for key, reader in readers.items()}
        path = folder / FILE
        _write_graph(encoder, products, path)
        return check_equal(encoder.embed(products), _run_graph(path, products), "onnxruntime")


def _write_graph(encoder: Encoder, products: Products, path: Path) -> None:
    import torch

    names = list(products)
    some = tuple(values[:TRACED] for values in products.values())
    batch = torch.export.Dim("batch")
    dimensions = []
    for name, values in zip(names, some, strict=True):
        free: dict[int, Any] = {0: batch}
        # Token ids are as long as the longest text of a batch.
        if values.dtype == torch.int32:
            free[values.ndim - 1] = torch.export.Dim(f"{name}_length")
        dimensions.append(free)
    # The exporter warns of its own internals.
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")
            program = torch.onnx.export(
                _embedder(encoder, names),
                some,
                input_names=names,
                output_names=[OUTPUT],
                dynamic_shapes=(tuple(dimensions),),
                dynamo=True,
                external_data=False,
                verbose=False,
            )
            assert program is not None
            program.save(str(path))
    except Exception as error:
        # The exporter raises many kinds of exceptions for what a graph cannot hold.
        kind = type(encoder.inference_module).__name__
        raise LikewiseError(
            f"{kind} uses an operation that torch.onnx cannot export; use --format safetensors, "
            "or train another encoder"
        ) from error


def _embedder(encoder: Encoder, names: list[str]) -> nn.Module:
    """A module that maps the tensors of readers, in the order of ``names``, to embeddings."""
    import torch

    from likewise.data.products import to_float

    class Embedder(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.encoder = encoder.inference_module

        def forward(self, *tensors: Tensor) -> Tensor:
            products = to_float(dict(zip(names, tensors, strict=True)))
            # Operators of ONNX mix only equal types, and what is computed from ids is int64.
            wide = {
                name: values.long() if values.dtype == torch.int32 else values
                for name, values in products.items()
            }
            return self.encoder(wide)

    return Embedder().eval()


def _run_graph(path: Path, products: Products) -> Tensor:
    """The embeddings by onnxruntime: the first product alone, and the others together."""
    import torch
    from onnxruntime import InferenceSession

    session = InferenceSession(str(path), providers=["CPUExecutionProvider"])
    # What an encoder does not read is no input of its graph.
    inputs = {one.name: products[one.name].numpy() for one in session.get_inputs()}
    parts = []
    for rows in (slice(0, 1), slice(1, None)):
        given = {name: values[rows] for name, values in inputs.items()}
        try:
            parts.append(torch.from_numpy(session.run([OUTPUT], given)[0]))
        except Exception as error:
            # The library raises exceptions of its own.
            reason = " ".join(str(error).split())[:200]
            raise LikewiseError(
                f"onnxruntime cannot run the exported graph ({reason}), so nothing was exported"
            ) from error
    return torch.cat(parts)
