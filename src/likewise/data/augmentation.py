"""Augmentation of a batch of pictures on its device, with random choices for each picture."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from likewise.errors import LikewiseError

# The largest ratio of the sides of a crop.
ASPECT = 4 / 3


class ImageAugmentation(nn.Module):
    """Random shifts, horizontal flips, erased rectangles, crops and changes of brightness.

    Args:
        max_shift: largest shift in pixels along each axis; the picture is padded with zeros.
        flip_probability: probability of a horizontal flip.
        erase_probability: probability that a rectangle is set to zero.
        erase_side: side of that rectangle as a fraction of the side of the picture.
        min_crop_area: smallest area of a random crop as a fraction of the picture's area; the crop
            is enlarged to the size of the picture. 1 disables cropping.
        max_log_brightness: brightness is multiplied by a random factor whose logarithm is at most
            this in absolute value. 0 keeps the brightness.
    """

    def __init__(
        self,
        max_shift: int = 2,
        flip_probability: float = 0.5,
        erase_probability: float = 0.0,
        erase_side: float = 0.4,
        min_crop_area: float = 1.0,
        max_log_brightness: float = 0.0,
    ) -> None:
        super().__init__()
        if not (0 < min_crop_area <= 1 and max_log_brightness >= 0):
            raise LikewiseError(
                f"augmentation.image.min_crop_area={min_crop_area} must be above 0 and at most 1, "
                f"and max_log_brightness={max_log_brightness} at least 0"
            )
        self.max_shift, self.flip_probability = max_shift, flip_probability
        self.erase_probability, self.erase_side = erase_probability, erase_side
        self.min_crop_area, self.max_log_brightness = min_crop_area, max_log_brightness

    @property
    def changes_products(self) -> bool:
        """Whether any option is set so that pictures can change."""
        return (
            any((self.max_shift, self.flip_probability, self.erase_probability))
            or self.min_crop_area < 1
            or self.max_log_brightness > 0
        )

    def forward(self, images: Tensor) -> Tensor:
        """Augment float [b, c, h, w] in [0, 1]; draws from torch's global random generator."""
        b, c, h, w = images.shape
        device = images.device
        rows = torch.arange(h, device=device).expand(b, h)
        columns = torch.arange(w, device=device).expand(b, w)
        if self.flip_probability:
            mirrored = torch.rand(b, 1, device=device) < self.flip_probability
            columns = torch.where(mirrored, w - 1 - columns, columns)
        if limit := self.max_shift:
            moves = torch.randint(-limit, limit + 1, (2, b, 1), device=device)
            rows, columns = rows + moves[0], columns + moves[1]
        keep = ((rows >= 0) & (rows < h))[:, :, None] & ((columns >= 0) & (columns < w))[:, None]
        places = rows.clamp(0, h - 1)[:, :, None] * w + columns.clamp(0, w - 1)[:, None]
        places = places.reshape(b, 1, h * w).expand(b, c, h * w)
        moved = images.reshape(b, c, h * w).gather(2, places).reshape(b, c, h, w)
        if self.erase_probability:
            keep = keep & ~self._rectangles(b, h, w, device)
        changed = moved * keep[:, None]
        if self.min_crop_area < 1:
            changed = self._cropped(changed)
        if self.max_log_brightness:
            factors = _factors(b, self.max_log_brightness, device)[:, None, None, None]
            changed = (changed * factors).clamp(0, 1)
        return changed

    def _cropped(self, images: Tensor) -> Tensor:
        """Cut a random rectangle out of each picture and enlarge it to the picture's size."""
        b, device = len(images), images.device
        area = torch.empty(b, device=device).uniform_(self.min_crop_area, 1)
        aspect = _factors(b, math.log(ASPECT), device)
        wide, tall = (area * aspect).sqrt().clamp(max=1), (area / aspect).sqrt().clamp(max=1)
        # The position of the rectangle, from -1 (left, top) to 1 (right, bottom).
        place = torch.rand(2, b, device=device) * 2 - 1
        zero = torch.zeros(b, device=device)
        rows = [[wide, zero, place[0] * (1 - wide)], [zero, tall, place[1] * (1 - tall)]]
        maps = torch.stack([torch.stack(row, 1) for row in rows], 1).to(images.dtype)
        grid = F.affine_grid(maps, list(images.shape), align_corners=False)
        return F.grid_sample(images, grid, align_corners=False)

    def _rectangles(self, b: int, h: int, w: int, device: torch.device) -> Tensor:
        tall, wide = max(1, int(h * self.erase_side)), max(1, int(w * self.erase_side))
        top = torch.randint(0, h - tall + 1, (b, 1), device=device)
        left = torch.randint(0, w - wide + 1, (b, 1), device=device)
        rows = torch.arange(h, device=device)
        columns = torch.arange(w, device=device)
        inside_rows = (rows >= top) & (rows < top + tall)
        inside_columns = (columns >= left) & (columns < left + wide)
        drawn = torch.rand(b, 1, 1, device=device) < self.erase_probability
        return drawn & inside_rows[:, :, None] & inside_columns[:, None]


def _factors(b: int, limit: float, device: torch.device) -> Tensor:
    """Random factors, float [b], with uniform logarithms between -``limit`` and ``limit``."""
    return torch.exp(torch.empty(b, device=device).uniform_(-limit, limit))
