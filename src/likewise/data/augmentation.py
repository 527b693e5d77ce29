"""Augmentation of a whole batch of pictures on its device, each picture drawn on its own."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Augmentation(nn.Module):
    """Random shift, horizontal flip and erased rectangle.

    Args:
        shift: largest shift in pixels along each axis (the picture is padded with zeros).
        flip: probability of a horizontal flip.
        erase: probability that a rectangle is blanked.
        erase_share: side of that rectangle as a share of the picture's sides.
    """

    def __init__(
        self, shift: int = 2, flip: float = 0.5, erase: float = 0.0, erase_share: float = 0.4
    ) -> None:
        super().__init__()
        self.shift, self.flip = shift, flip
        self.erase, self.erase_share = erase, erase_share

    def forward(self, images: Tensor) -> Tensor:
        """Float [b, c, h, w] to the same shape; draws from torch's global generator."""
        b, c, h, w = images.shape
        device = images.device
        rows = torch.arange(h, device=device).expand(b, h)
        columns = torch.arange(w, device=device).expand(b, w)
        if self.flip:
            mirrored = torch.rand(b, 1, device=device) < self.flip
            columns = torch.where(mirrored, w - 1 - columns, columns)
        if self.shift:
            moves = torch.randint(-self.shift, self.shift + 1, (2, b, 1), device=device)
            rows, columns = rows + moves[0], columns + moves[1]
        keep = ((rows >= 0) & (rows < h))[:, :, None] & ((columns >= 0) & (columns < w))[:, None]
        places = rows.clamp(0, h - 1)[:, :, None] * w + columns.clamp(0, w - 1)[:, None]
        places = places.reshape(b, 1, h * w).expand(b, c, h * w)
        moved = images.reshape(b, c, h * w).gather(2, places).reshape(b, c, h, w)
        if self.erase:
            keep = keep & ~self._rectangles(b, h, w, device)
        return moved * keep[:, None]

    def _rectangles(self, b: int, h: int, w: int, device: torch.device) -> Tensor:
        tall, wide = max(1, int(h * self.erase_share)), max(1, int(w * self.erase_share))
        top = torch.randint(0, h - tall + 1, (b, 1), device=device)
        left = torch.randint(0, w - wide + 1, (b, 1), device=device)
        rows = torch.arange(h, device=device)
        columns = torch.arange(w, device=device)
        inside_rows = (rows >= top) & (rows < top + tall)
        inside_columns = (columns >= left) & (columns < left + wide)
        drawn = torch.rand(b, 1, 1, device=device) < self.erase
        return drawn & inside_rows[:, :, None] & inside_columns[:, None]
