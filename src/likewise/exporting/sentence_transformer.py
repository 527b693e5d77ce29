"""A pretrained encoder of texts as a folder of the library ``sentence-transformers``."""

from __future__ import annotations

import copy
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from likewise.errors import LikewiseError
from likewise.exporting.base import ExportFormat, check_equal

if TYPE_CHECKING:
    import numpy as np
    from torch import nn

    from likewise.data.modalities.subwords import Subwords
    from likewise.encoders.pretrained_text import PretrainedText
    from likewise.runs.saved import SavedRun

POOLINGS = ("mean", "cls")


class SentenceTransformersFormat(ExportFormat):
    """Writes a folder that ``SentenceTransformer(folder)`` loads: transformer, pooling, projection.

    Its embeddings are those of the run, so they are not scaled to length 1; the similarity of the
    run is written into the folder where the library has it. The library reads one text per
    product: the columns that the run reads, with a space between them.
    """

    name = "sentence-transformers"
    packages: ClassVar[tuple[str, ...]] = ("sentence_transformers",)

    def write(self, run: SavedRun, rows: np.ndarray, folder: Path) -> str:
        """See ``ExportFormat``."""
        import torch

        encoder = _pretrained_text(run)
        reader: Any = run.model.readers[encoder.modality]
        texts = [text for text in reader.texts(run.data.catalogue, rows) if text.strip()]
        if not texts:
            raise LikewiseError("no product of the catalogue has a text with which to check")
        _write_folder(encoder, reader, run.similarity.name, folder)
        from sentence_transformers import SentenceTransformer

        loaded = SentenceTransformer(str(folder), device="cpu", local_files_only=True)
        theirs = torch.from_numpy(loaded.encode(texts, show_progress_bar=False))
        ours = encoder.embed({encoder.modality: reader.encode(texts)})
        return check_equal(ours, theirs, "sentence-transformers")


def _pretrained_text(run: SavedRun) -> PretrainedText:
    """The encoder of the run on the CPU, if the format can hold it."""
    from likewise.encoders.pretrained_text import PretrainedText

    encoder = run.encoder.inference_module
    if not isinstance(encoder, PretrainedText):
        raise LikewiseError(
            f"sentence-transformers holds language models of transformers, and this run has "
            f"{type(encoder).__name__}; use --format onnx, or train with encoder=pretrained_text"
        )
    if encoder.pooling not in POOLINGS:
        raise LikewiseError(
            f"sentence-transformers has no {encoder.pooling} pooling with a learned query; use "
            "--format onnx, or train with encoder.pooling=mean"
        )
    return encoder.cpu().eval()


def _write_folder(encoder: PretrainedText, reader: Subwords, similarity: str, folder: Path) -> None:
    from sentence_transformers import SentenceTransformer, SimilarityFunction
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer

    transformer = _without_adapters(encoder.transformer)
    with tempfile.TemporaryDirectory() as place:
        transformer.save_pretrained(place)
        _tokenizer(reader, transformer.config).save_pretrained(place)
        limit = getattr(transformer.config, "max_position_embeddings", reader.max_length)
        read = Transformer(place, max_seq_length=min(limit, reader.max_length))
    width = int(transformer.config.hidden_size)
    modules: list[nn.Module] = [read, Pooling(width, pooling_mode=encoder.pooling)]
    modules += _projection(encoder, width)
    known: Any = similarity if similarity in SimilarityFunction.possible_values() else None
    whole = SentenceTransformer(modules=modules, device="cpu", similarity_fn_name=known)
    whole.save(str(folder), create_model_card=False)


def _without_adapters(transformer: Any) -> Any:
    """The transformer, with LoRA adapters added to the matrices that they adapt."""
    from peft import PeftModel

    if not isinstance(transformer, PeftModel):
        return transformer
    return copy.deepcopy(transformer).merge_and_unload()


def _tokenizer(reader: Subwords, config: Any) -> Any:
    """The tokeniser of a reader as one of ``transformers``."""
    from transformers import PreTrainedTokenizerFast

    assert reader.tokenizer is not None
    # Padding has no weight in attention and pooling, so any token of the model can stand there.
    padding = reader.tokenizer.id_to_token(getattr(config, "pad_token_id", None) or 0)
    return PreTrainedTokenizerFast(
        tokenizer_object=reader.tokenizer,
        pad_token=padding,
        padding_side="right",
        model_input_names=["input_ids", "attention_mask"],
    )


def _projection(encoder: PretrainedText, width: int) -> list[nn.Module]:
    """The linear layer after the pooling and the softplus, where the encoder has them."""
    import torch
    from sentence_transformers.sentence_transformer.modules import Dense
    from torch import nn

    head = encoder.head
    if isinstance(head, nn.Linear):
        weight, bias = head.weight.detach(), head.bias.detach()
    elif encoder.nonnegative:
        weight, bias = torch.eye(width), torch.zeros(width)
    else:
        return []
    activation = nn.Softplus() if encoder.nonnegative else nn.Identity()
    return [
        Dense(
            width,
            encoder.embedding_size,
            activation_function=activation,
            init_weight=weight,
            init_bias=bias,
        )
    ]
