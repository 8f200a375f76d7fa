"""A compact U-Net for slices or volumes, which starts at the prior: every voxel as likely as the class is frequent."""

import hashlib
import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from segeval.errors import ConfigError
from segeval.verbs.sweep.training.recipe import Recipe

_CONV: dict[int, Any] = {2: nn.Conv2d, 3: nn.Conv3d}
_UP: dict[int, Any] = {2: nn.ConvTranspose2d, 3: nn.ConvTranspose3d}
_NORM: dict[int, Any] = {2: nn.BatchNorm2d, 3: nn.BatchNorm3d}
_HEAD_STD = 0.01  # arXiv 1708.02002, section 4.1: so that the prior is what the first prediction says


class ConvPair(nn.Sequential):
    """Two convolutions of width 3 with batch norm and ReLU; the first one may halve the grid."""

    def __init__(self, n_in: int, n_out: int, *, n_space: int, stride: int = 1) -> None:
        conv, norm = _CONV[n_space], _NORM[n_space]
        super().__init__(
            *(conv(n_in, n_out, 3, stride=stride, padding=1, bias=False), norm(n_out), nn.ReLU(inplace=True)),
            *(conv(n_out, n_out, 3, padding=1, bias=False), norm(n_out), nn.ReLU(inplace=True)),
        )


class UNet(nn.Module):
    """Three levels with skip connections, after arXiv 1505.04597.

    Strided convolutions go down and transposed ones up: unlike pooling and interpolation, these have deterministic
    gradients on every device.
    """

    def __init__(self, n_in: int, *, width: int, n_space: int) -> None:
        super().__init__()
        self.top = ConvPair(n_in, width, n_space=n_space)
        self.middle = ConvPair(width, 2 * width, n_space=n_space, stride=2)
        self.bottom = ConvPair(2 * width, 4 * width, n_space=n_space, stride=2)
        self.up_to_middle = _UP[n_space](4 * width, 2 * width, 2, stride=2)
        self.from_middle = ConvPair(4 * width, 2 * width, n_space=n_space)
        self.up_to_top = _UP[n_space](2 * width, width, 2, stride=2)
        self.from_top = ConvPair(2 * width, width, n_space=n_space)

    def forward(self, image: Tensor) -> Tensor:
        """Features of every voxel, (case, width, ...), from (case, channel, ...) with sides that are multiples of 4."""
        top = self.top(image)
        middle = self.middle(top)
        bottom = self.bottom(middle)
        middle = self.from_middle(torch.cat([middle, self.up_to_middle(bottom)], dim=1))
        features: Tensor = self.from_top(torch.cat([top, self.up_to_top(middle)], dim=1))
        return features


def build_network(recipe: Recipe, *, n_in: int, prior: Sequence[float]) -> nn.Module:
    """A network with one logit, or one per class and background.

    Args:
        n_in: channels of the images.
        prior: share of the voxels of each output in training; with one output the share of the class.

    Raises:
        ConfigError: the network needs a library that is not installed.
    """
    body = {"unet": _unet, "monai": _monai}[recipe.network](recipe, n_in)
    head = _CONV[recipe.n_space](recipe.width, len(prior), 1)
    nn.init.normal_(head.weight, std=_HEAD_STD)
    with torch.no_grad():
        head.bias.copy_(torch.tensor(prior_logits(prior)))
    return nn.Sequential(body, head)


def prior_logits(prior: Sequence[float]) -> list[float]:
    """The logits that give every voxel the prior: -ln((1 - π)/π) for one class, ln π for several."""
    return [-math.log((1 - prior[0]) / prior[0])] if len(prior) == 1 else [math.log(share) for share in prior]


def fingerprint(network: nn.Module) -> str:
    """A hash of all weights, so that equal ones can be seen to be equal."""
    digest = hashlib.sha256()
    for tensor in network.state_dict().values():
        digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()[:12]


def n_parameters(network: nn.Module) -> int:
    """How many numbers are trained."""
    return sum(weights.numel() for weights in network.parameters() if weights.requires_grad)


def _unet(recipe: Recipe, n_in: int) -> nn.Module:
    return UNet(n_in, width=recipe.width, n_space=recipe.n_space)


def _monai(recipe: Recipe, n_in: int) -> nn.Module:
    try:
        from monai.networks.nets.unet import UNet as MonaiUNet
    except ImportError as error:
        raise ConfigError(
            "--network monai needs MONAI: pip install 'segeval-masks[train]', or use --network unet."
        ) from error
    width = recipe.width
    network: nn.Module = MonaiUNet(
        spatial_dims=recipe.n_space,
        in_channels=n_in,
        out_channels=width,
        channels=(width, 2 * width, 4 * width),
        strides=(2, 2),
        num_res_units=2,
        norm="batch",
    )
    return network
