"""A base encoder trained beside a conditional generator and discriminator."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from likewise.data.products import Products
from likewise.encoders.base import Encoder


class Generator(nn.Module):
    """Noise and a group to a picture in [0, 1]: two doublings of a coarse map."""

    def __init__(self, input_shape: Sequence[int], num_groups: int, noise: int, width: int) -> None:
        super().__init__()
        self.shape = tuple(input_shape)
        self.coarse = (2 * width, -(-self.shape[1] // 4), -(-self.shape[2] // 4))
        self.groups = nn.Embedding(num_groups, noise)
        self.first = nn.Linear(2 * noise, self.coarse[0] * self.coarse[1] * self.coarse[2])
        self.layers = nn.Sequential(
            nn.BatchNorm2d(2 * width),
            nn.ReLU(),
            nn.ConvTranspose2d(2 * width, width, 4, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            nn.ConvTranspose2d(width, self.shape[0], 4, stride=2, padding=1),
            nn.Sigmoid(),
        )

    def forward(self, noise: Tensor, groups: Tensor) -> Tensor:
        """Float [b, noise] and int64 [b] to float [b, c, h, w]."""
        start = self.first(torch.cat([noise, self.groups(groups)], dim=1))
        image = self.layers(start.reshape(-1, *self.coarse))
        return image[:, :, : self.shape[1], : self.shape[2]]


class Discriminator(nn.Module):
    """Real or generated, given the group: the projection discriminator.

    Miyato and Koyama, "cGANs with Projection Discriminator", ICLR 2018, equation 3; spectral
    normalisation after Miyato et al., ICLR 2018.
    """

    def __init__(self, input_shape: Sequence[int], num_groups: int, width: int) -> None:
        super().__init__()
        norm = nn.utils.parametrizations.spectral_norm
        self.layers = nn.Sequential(
            norm(nn.Conv2d(input_shape[0], width, 4, stride=2, padding=1)),
            nn.LeakyReLU(0.2),
            norm(nn.Conv2d(width, 2 * width, 4, stride=2, padding=1)),
            nn.LeakyReLU(0.2),
            nn.AdaptiveAvgPool2d(4),
            nn.Flatten(),
        )
        self.realness = norm(nn.Linear(32 * width, 1))
        self.groups = norm(nn.Embedding(num_groups, 32 * width))

    def forward(self, images: Tensor, groups: Tensor) -> Tensor:
        """Float [b, c, h, w] and int64 [b] to a score [b]; larger means more real."""
        features = self.layers(images)
        return self.realness(features).squeeze(1) + (self.groups(groups) * features).sum(1)


class GanAugmented(Encoder):
    """A base encoder whose loss also sees generated products of known groups.

    Hinge losses of Lim and Ye, "Geometric GAN", 2017.

    Args:
        base: any encoder of images.
        input_shape: (channels, height, width).
        num_groups: groups of the training products.
        noise_size: width of the generator's noise.
        width: channels of the generator's and discriminator's outer layers.
    """

    trained_by = "adversarial"

    def __init__(
        self,
        base: Encoder,
        input_shape: Sequence[int],
        num_groups: int,
        noise_size: int = 32,
        width: int = 16,
    ) -> None:
        super().__init__(base.embedding_size, base.nonnegative)
        self.base = base
        self.noise_size = noise_size
        self.generator = Generator(input_shape, num_groups, noise_size, width)
        self.discriminator = Discriminator(input_shape, num_groups, width)

    @property
    def kept(self) -> nn.Module:
        """The base encoder."""
        return self.base

    def forward(self, products: Products | Tensor) -> Tensor:
        """The base encoder's embedding, float [b, embedding_size]."""
        return self.base(products)

    def generate(self, groups: Tensor) -> Tensor:
        """A new picture of each group, float [b, c, h, w] in [0, 1]."""
        noise = torch.randn(len(groups), self.noise_size, device=groups.device)
        return self.generator(noise, groups)

    def discriminator_loss(self, real: Tensor, generated: Tensor, groups: Tensor) -> Tensor:
        """Hinge loss of the discriminator, a scalar."""
        on_real = F.relu(1 - self.discriminator(real, groups)).mean()
        return on_real + F.relu(1 + self.discriminator(generated.detach(), groups)).mean()

    def generator_loss(self, generated: Tensor, groups: Tensor) -> Tensor:
        """Hinge loss of the generator, a scalar."""
        return -self.discriminator(generated, groups).mean()
