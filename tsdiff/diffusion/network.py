"""Two streams of tokens in one sequence: an encoder, its head, and a small denoiser.

A window of T steps and C channels becomes T / P *time tokens* (each embeds all channels
at one step, or at P steps) and C *channel tokens* (each embeds one channel's whole
window); both attend to each other. A cell reads its time token, its channel token and
their product. So T + C tokens do the work of the T x C of CSDI (Tashiro et al., 2021,
NeurIPS), and the encoder runs once a window, whatever the number of samples.

Shapes: B windows, T steps, C channels, L tokens, D width, n cells asked for.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tsdiff.diffusion.field import Field
from tsdiff.diffusion.fill import Fill, n_inputs
from tsdiff.diffusion.marginals import N_PARAMETERS, Marginals
from tsdiff.diffusion.noise import Noise
from tsdiff.diffusion.window import Window


@dataclass(frozen=True)
class NetworkConfig:
    """Sizes of the network; they travel with the weights.

    Attributes
    ----------
    n_channels, n_steps, n_time_features : int
        C, T and the number of calendar features of a step.
    patch_length : int
        Steps in one time token.
    width, depth, heads, cell_width : int
        Of the encoder.
    denoiser_width, denoiser_depth : int
        Of the denoiser.
    dropout : float
        In the encoder, of who hands it noise: training.
    smooth : bool
        Whether answers are corrections to a Gaussian smoother, not to linear
        interpolation.
    joint : bool
        Whether they are corrections to a vector autoregression of all channels.
    periods : tuple of int
        Of the data, in steps; of neighbours of the same phase further guesses are made.
    n_centred : int
        Number of channels, the first ones, that are measured in the centre and spread
        of what a window shows; the level of the others is taken as it is.
    """

    n_channels: int
    n_steps: int
    n_time_features: int = 0
    patch_length: int = 1
    width: int = 128
    depth: int = 4
    heads: int = 4
    cell_width: int = 64
    denoiser_width: int = 96
    denoiser_depth: int = 2
    dropout: float = 0.0
    smooth: bool = False
    joint: bool = False
    periods: tuple[int, ...] = ()
    n_centred: int = 0

    @property
    def n_inputs(self) -> int:
        """Number of inputs of a cell."""
        return n_inputs(self.periods, self.smooth, self.joint)

    @property
    def n_patches(self) -> int:
        """Number of time tokens."""
        return -(-self.n_steps // self.patch_length)


class Context(NamedTuple):
    """What the encoder found in B windows."""

    time: Tensor  # (B, T/P, D)
    channel: Tensor  # (B, C, D)
    inputs: Tensor  # (B, T, C, inputs of a cell)
    anchor: Tensor  # (B, T, C)
    spread: Tensor  # (B, T, C)


class Block(nn.Module):
    """Pre-norm transformer block, modulated by a noise level if `modulated`."""

    def __init__(self, width: int, heads: int, dropout: float, modulated: bool) -> None:
        super().__init__()
        self.heads = heads
        self.dropout = dropout
        self.norm_1 = nn.LayerNorm(width, elementwise_affine=not modulated)
        self.norm_2 = nn.LayerNorm(width, elementwise_affine=not modulated)
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.up = nn.Linear(width, 2 * width)
        self.down = nn.Linear(2 * width, width)
        self.modulation = nn.Linear(width, 6 * width) if modulated else None
        if self.modulation is not None:  # starts as none (AdaLN: Peebles and Xie, 2023)
            nn.init.zeros_(self.modulation.weight)
            nn.init.zeros_(self.modulation.bias)

    def forward(
        self,
        x: Tensor,
        level: Tensor | None = None,
        part: Tensor | None = None,
        dropout: Noise | None = None,
    ) -> Tensor:
        """Map tokens of shape (B, L, D) to such; `level` has shape (B, D).

        Of the tokens those take part that are True in `part`, of shape (B, L). With
        noise, `dropout`, some of what blocks without a level add is left out.
        """
        if self.modulation is None or level is None:
            x = x + self._drop(self._attend(self.norm_1(x), part), dropout)
            return x + self._drop(self._feed(self.norm_2(x)), dropout)
        a, b, c, d, e, f = self.modulation(level)[:, None].chunk(6, -1)  # (B, 1, D)
        x = x + (1 + a) * self._attend(self.norm_1(x) * (1 + b) + c, part)
        return x + (1 + d) * self._feed(self.norm_2(x) * (1 + e) + f)

    def _drop(self, x: Tensor, noise: Noise | None) -> Tensor:
        """Do as torch's dropout does, which knows no generator but the global one."""
        if noise is None or not self.dropout:
            return x
        kept = noise.kept(x, 1 - self.dropout)
        return x * kept.div_(1 - self.dropout)

    def _attend(self, x: Tensor, part: Tensor | None) -> Tensor:
        n_windows, n_tokens, width = x.shape
        mask = None if part is None else part[:, None, None]  # (B, 1, 1, L)
        qkv = self.qkv(x).view(n_windows, n_tokens, 3, self.heads, -1)
        q, k, v = qkv.permute(2, 0, 3, 1, 4)  # (B, H, L, D / H)
        if q.dtype == torch.bfloat16 and q.requires_grad:
            # the fused kernel's backward pass is eight times slower in bfloat16
            fit = q * q.shape[-1] ** -0.5 @ k.transpose(-1, -2)
            fit = fit if mask is None else fit.masked_fill(~mask, -torch.inf)
            x = torch.softmax(fit, -1) @ v
        else:
            x = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        return self.out(x.transpose(1, 2).reshape(n_windows, n_tokens, width))

    def _feed(self, x: Tensor) -> Tensor:
        return self.down(F.gelu(self.up(x)))


def _waves(position: Tensor, n_waves: int, longest: float) -> Tensor:
    """Sines and cosines of a position, periods from 2 to `longest`, on a log scale."""
    rate = torch.linspace(math.log(math.pi), math.log(2 * math.pi / longest), n_waves)
    angle = position[..., None] * rate.exp().to(position)
    return torch.cat([angle.sin(), angle.cos()], -1)


class Encoder(nn.Module):
    """Read a window once: tokens, and from them the law of any cell."""

    N_WAVES, N_HARMONICS = 16, 4

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.config = config
        c, width, cell = config, config.width, config.cell_width
        per_patch = c.n_inputs * c.n_channels * c.patch_length
        self.embed_time = nn.Linear(per_patch, width)
        n_clock = 2 * self.N_WAVES + 2 * self.N_HARMONICS * len(c.periods)
        self.embed_clock = nn.Linear(n_clock + c.n_time_features, width)
        self.embed_channel = nn.Linear(c.n_inputs * c.n_patches * c.patch_length, width)
        self.channel_name = nn.Parameter(0.02 * torch.randn(c.n_channels, width))
        self.blocks = nn.ModuleList(
            Block(width, c.heads, c.dropout, modulated=False) for _ in range(c.depth)
        )
        self.norm = nn.LayerNorm(width)
        self.cell_time = nn.Linear(width, c.patch_length * 2 * cell)
        self.cell_channel = nn.Linear(width, 2 * cell)
        self.cell_inputs = nn.Linear(c.n_inputs, cell)
        self.cell_hidden = nn.Linear(cell, cell)
        self.law = nn.Linear(cell, N_PARAMETERS)
        self.direct_time = nn.Linear(width, c.patch_length * c.n_channels * 2)
        self.direct_channel = nn.Linear(width, c.n_patches * c.patch_length * 2)
        for layer in (self.law, self.direct_time, self.direct_channel):
            nn.init.zeros_(layer.weight)  # untrained: the fill, and a scale around it
            nn.init.zeros_(layer.bias)
        self.fill = Fill(
            c.n_channels, c.n_steps, c.periods, c.smooth, c.joint, c.n_centred
        )

    def forward(self, window: Window, dropout: Noise | None = None) -> Context:
        """Read B windows; with noise, in training, drop some of the way."""
        c = self.config
        anchor, spread, inputs = self.fill(window)
        pad = c.n_patches * c.patch_length - c.n_steps
        padded = F.pad(inputs, (0, 0, 0, 0, 0, pad))
        n_windows = len(inputs)
        by_time = padded.reshape(n_windows, c.n_patches, -1)
        by_channel = padded.transpose(1, 2).reshape(n_windows, c.n_channels, -1)
        # a patch has the clock of its first step
        clock = self._clock(window)[:, :: c.patch_length]
        time = self.embed_time(by_time) + self.embed_clock(clock)
        channel = self.embed_channel(by_channel) + self.channel_name
        tokens = torch.cat([time, channel], 1)  # (B, T/P + C, D)
        for block in self.blocks:
            tokens = block(tokens, dropout=dropout)
        tokens = self.norm(tokens)
        time, channel = tokens.split([c.n_patches, c.n_channels], 1)
        return Context(time, channel, inputs, anchor, spread)

    def _clock(self, window: Window) -> Tensor:
        """Say where a step lies in the window, in the periods and in the calendar."""
        parts = [_waves(window.elapsed, self.N_WAVES, 4.0 * self.config.n_steps)]
        for period in self.config.periods:
            turn = 2 * math.pi / period * window.elapsed[..., None]
            angle = turn * torch.arange(1, self.N_HARMONICS + 1, device=turn.device)
            parts += [angle.sin(), angle.cos()]
        return torch.cat([*parts, window.features], -1)

    def marginals(self, context: Context, cells: tuple[Tensor, ...]) -> Marginals:
        """Laws of the cells at indices ``(window, step, channel)``, each of shape (n,).

        The heavy part is done on the n cells asked for, not on all of the window.
        """
        c = self.config
        b, t, ch = cells
        n_padded = c.n_patches * c.patch_length
        at_time, at_channel = b * n_padded + t, b * c.n_channels + ch
        at_cell = at_time * c.n_channels + ch
        add_t, times_t = _pick(self.cell_time(context.time), at_time, n_padded).chunk(
            2, -1
        )
        add_c, times_c = _pick(
            self.cell_channel(context.channel), at_channel, c.n_channels
        ).chunk(2, -1)
        own = self.cell_inputs(context.inputs[cells])
        hidden = F.gelu(add_t + add_c + times_t * times_c + own)
        hidden = hidden + F.gelu(self.cell_hidden(hidden))
        direct = self.direct_time(context.time).view(-1, n_padded, c.n_channels, 2)
        direct_c = self.direct_channel(context.channel)
        direct = direct + direct_c.view(-1, c.n_channels, n_padded, 2).transpose(1, 2)
        direct = _pick(direct, at_cell, n_padded * c.n_channels)
        raw = self.law(hidden) + F.pad(direct, (0, N_PARAMETERS - 2))
        return Marginals(raw, context.anchor[cells], context.spread[cells])


def _pick(table: Tensor, index: Tensor, n_rows: int) -> Tensor:
    """Rows of a table of shape (B, ...), seen as (B * n_rows, k).

    By embedding look-up: the gradient of plain indexing is summed by several threads
    in an order that changes from run to run.
    """
    flat = table.reshape(table.shape[0] * n_rows, -1)
    return F.embedding(index, flat)


class Prepared(NamedTuple):
    """What the denoiser needs of B windows, whatever noise and time."""

    time: Tensor  # (B, tokens of the steps, width)
    channel: Tensor  # (B, C, width)
    asked: Tensor  # (B, steps, C)
    given: Tensor  # (B, steps, C)
    part: Tensor | None  # (B, tokens), None if all take part
    steps: slice


class Denoiser(nn.Module):
    """Velocity of Gaussianised cells, given what the encoder found."""

    RANK = 16

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.config = config
        c, width = config, config.denoiser_width
        n_padded = c.n_patches * c.patch_length
        self.embed_time = nn.Linear(3 * c.n_channels * c.patch_length, width)
        self.embed_channel = nn.Linear(3 * n_padded, width)
        self.context_time = nn.Linear(c.width, width)
        self.context_channel = nn.Linear(c.width, width)
        self.embed_level = nn.Sequential(
            nn.Linear(16, width), nn.SiLU(), nn.Linear(width, width), nn.SiLU()
        )
        self.blocks = nn.ModuleList(
            Block(width, 4, 0.0, modulated=True) for _ in range(c.denoiser_depth)
        )
        self.norm = nn.LayerNorm(width)
        self.read_time = nn.Linear(width, c.patch_length * (c.n_channels + self.RANK))
        self.read_channel = nn.Linear(width, n_padded + self.RANK)
        for layer in (self.read_time, self.read_channel):
            nn.init.zeros_(layer.bias)
            nn.init.normal_(layer.weight, std=0.02)

    def prepare(
        self, context: Context, asked: Tensor, given: Tensor, n_paths: int = 1
    ) -> Prepared:
        """Do what depends on neither noise nor time, once a window.

        Parameters
        ----------
        context : Context
        asked, given : Tensor of bool, shape (B, T, C)
            Cells to move, and cells whose score is known.
        n_paths : int, default 1
            Copies of each window, side by side in what follows.
        """
        patch = self.config.patch_length
        active = (asked | given).any(2)  # (B, T)
        active = F.pad(active, (0, -active.shape[1] % patch))
        active = active.view(len(active), -1, patch).any(2)  # (B, T/P)
        where = active.any(0).nonzero()[:, 0].tolist() or [0]
        patches = slice(where[0], where[-1] + 1)
        steps = slice(patches.start * patch, patches.stop * patch)
        channels = torch.ones_like(asked[:, 0])
        part = torch.cat([active[:, patches], channels], 1)

        def copies(x: Tensor) -> Tensor:
            return x.repeat_interleave(n_paths, 0) if n_paths > 1 else x

        dtype = context.time.dtype
        return Prepared(
            time=copies(self.context_time(context.time[:, patches])),
            channel=copies(self.context_channel(context.channel)),
            asked=copies(asked[:, steps].to(dtype)),
            given=copies(given[:, steps].to(dtype)),
            part=None if bool(part.all()) else copies(part),  # faster without a mask
            steps=steps,
        )

    def forward(self, z: Tensor, t: Tensor, prepared: Prepared) -> Tensor:
        """Velocity at time `t`.

        Only the time steps from the first cell that is moved or known to the last one
        are computed; other time tokens take no part.

        Parameters
        ----------
        z : Tensor, shape (B, T, C)
            Noisy where asked, clean where given; not read elsewhere.
        t : Tensor, shape (B,)
        prepared : Prepared

        Returns
        -------
        Tensor, shape (B, T, C)
            Zero where not asked.
        """
        time, channel, asked, given, part, steps = prepared
        n_windows, n_steps, n_channels = asked.shape
        scores = z[:, steps] * (asked + given)
        cells = torch.stack([scores, asked, given], -1)
        cells = F.pad(cells, (0, 0, 0, 0, 0, -n_steps % self.config.patch_length))
        by_time = cells.reshape(n_windows, time.shape[1], -1)
        by_channel = cells.transpose(1, 2).reshape(n_windows, n_channels, -1)
        span = slice(steps.start, steps.start + cells.shape[1])
        tokens = [
            self.embed_time(by_time) + time,
            self._embed_channel(by_channel, span) + channel,
        ]
        x = torch.cat(tokens, 1)
        level = self.embed_level(_waves(t, 8, 8 * math.pi))
        for block in self.blocks:
            x = block(x, level, part)
        time, channel = self.norm(x).split([time.shape[1], n_channels], 1)
        by_time = self.read_time(time).view(n_windows, cells.shape[1], -1)
        direct_t, factor_t = by_time.split([n_channels, self.RANK], -1)
        direct_c, factor_c = self._read_channel(channel, span)
        v = direct_t + direct_c.transpose(1, 2) + factor_t @ factor_c.transpose(1, 2)
        v = v[:, :n_steps] * asked
        return F.pad(v, (0, 0, steps.start, z.shape[1] - steps.start - n_steps))

    def _embed_channel(self, cells: Tensor, span: slice) -> Tensor:
        """Embed what a channel shows in some of the steps."""
        layer = self.embed_channel
        weight = layer.weight.view(len(layer.weight), -1, 3)[:, span].flatten(1)
        return F.linear(cells, weight, layer.bias)

    def _read_channel(self, channel: Tensor, span: slice) -> tuple[Tensor, Tensor]:
        """Read the velocity of some of the steps, and factors, off channel tokens."""
        weight, bias = self.read_channel.weight, self.read_channel.bias
        last = slice(-self.RANK, None)
        return (
            F.linear(channel, weight[: -self.RANK][span], bias[: -self.RANK][span]),
            F.linear(channel, weight[last], bias[last]),
        )


class Network(nn.Module):
    """Encoder, denoiser, and the noise that the denoiser starts from."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = Encoder(config)
        self.denoiser = Denoiser(config)
        self.field = Field(config.n_channels)

    @property
    def device(self) -> torch.device:
        """Where it computes; what it is shown has to be there too."""
        return self.encoder.law.weight.device
