"""Augmentation of a whole batch of pictures on its device, each picture drawn on its own."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from likewise.errors import LikewiseError

# The sides of a crop differ at most by this factor.
ASPECT = 4 / 3


class Augmentation(nn.Module):
    """Random shift, horizontal flip, erased rectangle, crop and brightness.

    Args:
        shift: largest shift in pixels along each axis (the picture is padded with zeros).
        flip: probability of a horizontal flip.
        erase: probability that a rectangle is blanked.
        erase_share: side of that rectangle as a share of the picture's sides.
        crop: smallest share of the picture's area that is cut out and enlarged to its size; 1 keeps
            the picture.
        brightness: largest change of brightness, as the logarithm of a factor; 0 keeps it.
    """

    def __init__(
        self,
        shift: int = 2,
        flip: float = 0.5,
        erase: float = 0.0,
        erase_share: float = 0.4,
        crop: float = 1.0,
        brightness: float = 0.0,
    ) -> None:
        super().__init__()
        if not (0 < crop <= 1 and brightness >= 0):
            raise LikewiseError(
                f"augmentation.image.crop={crop} must be above 0 and at most 1, and "
                f"brightness={brightness} at least 0"
            )
        self.shift, self.flip = shift, flip
        self.erase, self.erase_share = erase, erase_share
        self.crop, self.brightness = crop, brightness

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
        changed = moved * keep[:, None]
        if self.crop < 1:
            changed = self._cropped(changed)
        if self.brightness:
            changed = (changed * _factors(b, self.brightness, device)[:, None, None, None]).clamp(
                0, 1
            )
        return changed

    def _cropped(self, images: Tensor) -> Tensor:
        """A random rectangle of each picture, enlarged to the picture's size."""
        b, device = len(images), images.device
        area = torch.empty(b, device=device).uniform_(self.crop, 1)
        aspect = _factors(b, math.log(ASPECT), device)
        wide, tall = (area * aspect).sqrt().clamp(max=1), (area / aspect).sqrt().clamp(max=1)
        # Of the rectangle's middle, from -1 (left, top) to 1.
        place = torch.rand(2, b, device=device) * 2 - 1
        zero = torch.zeros(b, device=device)
        rows = [[wide, zero, place[0] * (1 - wide)], [zero, tall, place[1] * (1 - tall)]]
        maps = torch.stack([torch.stack(row, 1) for row in rows], 1).to(images.dtype)
        grid = F.affine_grid(maps, list(images.shape), align_corners=False)
        return F.grid_sample(images, grid, align_corners=False)

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


def _factors(b: int, most: float, device: torch.device) -> Tensor:
    """Float [b]: random factors whose logarithm is at most ``most``."""
    return torch.exp(torch.empty(b, device=device).uniform_(-most, most))
