"""A base encoder that is trained together with a conditional GAN."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from likewise.data.products import Products
from likewise.encoders.base import Encoder, TokenTable


class Generator(nn.Module):
    """Generates pictures in [0, 1] from noise and a group, by upsampling a coarse map twice."""

    def __init__(
        self, input_shape: Sequence[int], num_groups: int, noise_size: int, channels: int
    ) -> None:
        super().__init__()
        self.shape = tuple(input_shape)
        self.coarse = (2 * channels, -(-self.shape[1] // 4), -(-self.shape[2] // 4))
        self.groups = nn.Embedding(num_groups, noise_size)
        self.first = nn.Linear(2 * noise_size, self.coarse[0] * self.coarse[1] * self.coarse[2])
        self.layers = nn.Sequential(
            nn.BatchNorm2d(2 * channels),
            nn.ReLU(),
            nn.ConvTranspose2d(2 * channels, channels, 4, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(channels),
            nn.ReLU(),
            nn.ConvTranspose2d(channels, self.shape[0], 4, stride=2, padding=1),
            nn.Sigmoid(),
        )

    def forward(self, noise: Tensor, groups: Tensor) -> Tensor:
        """Map noise, float [b, noise_size], and groups, int64 [b], to float [b, c, h, w]."""
        start = self.first(torch.cat([noise, self.groups(groups)], dim=1))
        image = self.layers(start.reshape(-1, *self.coarse))
        return image[:, :, : self.shape[1], : self.shape[2]]


class Discriminator(nn.Module):
    """Projection discriminator: scores whether a picture of a group is real or generated.

    Miyato and Koyama, "cGANs with Projection Discriminator", ICLR 2018, equation 3; spectral
    normalisation after Miyato et al., ICLR 2018.
    """

    def __init__(self, input_shape: Sequence[int], num_groups: int, channels: int) -> None:
        super().__init__()
        norm = nn.utils.parametrizations.spectral_norm
        self.layers = nn.Sequential(
            norm(nn.Conv2d(input_shape[0], channels, 4, stride=2, padding=1)),
            nn.LeakyReLU(0.2),
            norm(nn.Conv2d(channels, 2 * channels, 4, stride=2, padding=1)),
            nn.LeakyReLU(0.2),
            nn.AdaptiveAvgPool2d(4),
            nn.Flatten(),
        )
        self.realness = norm(nn.Linear(32 * channels, 1))
        self.groups = norm(nn.Embedding(num_groups, 32 * channels))

    def forward(self, images: Tensor, groups: Tensor) -> Tensor:
        """Score pictures, float [b, c, h, w], of groups, int64 [b]; larger is more real."""
        features = self.layers(images)
        return self.realness(features).squeeze(1) + (self.groups(groups) * features).sum(1)


class GanAugmented(Encoder):
    """A base encoder that is also trained on generated products of known groups.

    The GAN has the hinge losses of Lim and Ye, "Geometric GAN", 2017.

    Args:
        base: any encoder of images.
        input_shape: (channels, height, width).
        num_groups: number of groups of the training products.
        noise_size: number of dimensions of the generator's noise.
        gan_channels: number of channels of the generator's and discriminator's outer layers.
    """

    trained_by = "adversarial"

    def __init__(
        self,
        base: Encoder,
        input_shape: Sequence[int],
        num_groups: int,
        noise_size: int = 32,
        gan_channels: int = 16,
    ) -> None:
        super().__init__(base.embedding_size, base.nonnegative)
        self.base = base
        self.noise_size = noise_size
        self.generator = Generator(input_shape, num_groups, noise_size, gan_channels)
        self.discriminator = Discriminator(input_shape, num_groups, gan_channels)

    @property
    def is_linear(self) -> bool:
        """See ``Encoder``."""
        return self.base.is_linear

    def token_tables(self) -> list[TokenTable]:
        """See ``Encoder``."""
        return [table.inside("base") for table in self.base.token_tables()]

    @property
    def inference_module(self) -> nn.Module:
        """The base encoder."""
        return self.base

    def forward(self, products: Products | Tensor) -> Tensor:
        """Return the embedding of the base encoder, float [b, embedding_size]."""
        return self.base(products)

    def generate(self, groups: Tensor) -> Tensor:
        """Generate one picture for each group, float [b, c, h, w] in [0, 1]."""
        noise = torch.randn(len(groups), self.noise_size, device=groups.device)
        return self.generator(noise, groups)

    def discriminator_loss(self, real: Tensor, generated: Tensor, groups: Tensor) -> Tensor:
        """Return the hinge loss of the discriminator, a scalar."""
        on_real = F.relu(1 - self.discriminator(real, groups)).mean()
        return on_real + F.relu(1 + self.discriminator(generated.detach(), groups)).mean()

    def generator_loss(self, generated: Tensor, groups: Tensor) -> Tensor:
        """Return the hinge loss of the generator, a scalar."""
        return -self.discriminator(generated, groups).mean()
