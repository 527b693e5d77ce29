"""Models of the library ``transformers``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from torch import Tensor

from likewise.data.modalities.pretrained import find_model
from likewise.errors import LikewiseError


def attention(ids: Tensor) -> Tensor:
    """The attention mask, bool [b, length], of token ids from 1, padded with 0."""
    read = ids != 0
    # A text without tokens attends to one padding token; otherwise its states would be NaN.
    read[:, 0] = True
    return read


def read_transformer(name: str, dropout: float | None, pretrained: bool) -> Any:
    """Return a model of ``transformers`` in evaluation mode.

    Args:
        name: see ``find_model``.
        dropout: dropout probability inside the model; ``None`` keeps that of its config.
        pretrained: ``False`` initialises the weights at random.

    Raises:
        LikewiseError: it is not a model, or its weights cannot be read or are those of another.
    """
    from safetensors import SafetensorError
    from transformers import AutoConfig, AutoModel, logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()
    place = find_model(name)
    options: dict[str, Any] = {}
    if Path(place).is_dir():
        options["local_files_only"] = True
    try:
        config = AutoConfig.from_pretrained(place, **options)
        for key in ("hidden_dropout_prob", "attention_probs_dropout_prob", "dropout"):
            if dropout is not None and hasattr(config, key):
                setattr(config, key, dropout)
        if not pretrained:
            return AutoModel.from_config(config)
        # Loads safetensors only: other formats can run code when they are loaded.
        model, report = AutoModel.from_pretrained(
            place, config=config, use_safetensors=True, output_loading_info=True, **options
        )
    except (OSError, ValueError, RuntimeError, SafetensorError) as error:
        if "ignore_mismatched_sizes" in str(error):
            raise LikewiseError(
                f"the weights of {name} have other shapes than its config.json states; they are "
                "those of another model"
            ) from error
        raise LikewiseError(
            f"the model {name} cannot be read from a folder, a package or the hub "
            f"({' '.join(str(error).split())[:200]})"
        ) from error
    # A pooling layer after the last states is not used, and many files lack it.
    missing = [key for key in sorted(report["missing_keys"]) if "pooler" not in key]
    if missing:
        raise LikewiseError(
            f"{name} does not hold the weights of {type(model).__name__}, which its config.json "
            f"states: {len(missing)} tensors are missing, such as {missing[0]}"
        )
    return model
