"""Optimal constants: what silenced latents become so that the output is the best it still can be.

Whatever constant a latent is filled with, it tells nothing of the face. The one that costs the
least MSE disturbs the decoder the least, so that what is lost under it is what the latent told.
Source: Li & Janson (2024), Optimal Ablation for Interpretability, NeurIPS.
"""

from __future__ import annotations

import torch
from torch import Tensor

from facerot.latents import KeepSet
from facerot.measure.patching import some_faces
from facerot.measure.silencing import Faces, masked_at_once
from facerot.model import UNet

FITTED = 256  # training faces that constants are fitted to, at most
STEPS = 24  # of Adam; 60 would lower the MSE by another 1 % (one latent filled) to 4 % (four)
STEP = 0.1  # of a latent's spread over faces, so that its scale does not matter
TINY = 1e-12  # Adam's epsilon: gradients of single values of a latent are small, and count

Constants = list[Tensor]  # one a latent, (1, C, H, W)


class Fitting:
    """Training faces, encoded once, and constants in place of some of their latents.

    Args:
        network: in eval mode, on the device of the faces.
        faces: whose training faces, at most FITTED of them, the constants are fitted to.
    """

    def __init__(self, network: UNet, faces: Faces) -> None:
        self.network, some = network, some_faces(faces, "train", FITTED)
        self.count = len(some.x)
        at_once = masked_at_once(some.x.shape[-1])
        with torch.no_grad():  # inference mode would keep gradients from passing what is made here
            parts = [network.encode(x) for x in torch.split(some.x, at_once)]
        self.parts = list(zip(parts, torch.split(some.y, at_once)))
        whole = [torch.cat(batches) for batches in zip(*parts)]
        self.means = [one.mean(dim=0, keepdim=True) for one in whole]
        self.spreads = [(one - mean).std().item() for one, mean in zip(whole, self.means)]

    def optimal(self, keep: KeepSet) -> Constants:
        """The constants that together cost the least MSE while only `keep` reaches the decoder.

        Never more than zeros or means on the faces they are fitted to: the search begins at the
        better of the two and returns the best it has seen.
        """
        zeros = [torch.zeros_like(mean) for mean in self.means]
        least, best = min(
            ((self.mse(keep, fill), fill) for fill in (zeros, self.means)), key=lambda one: one[0]
        )
        fill = [one.clone().requires_grad_(k not in keep) for k, one in enumerate(best, start=1)]
        silenced = [k for k in self.network.latents if k not in keep]
        if not silenced:
            return best
        groups = [{"params": fill[k - 1], "lr": STEP * self.spreads[k - 1]} for k in silenced]
        adam = torch.optim.Adam(groups, eps=TINY)
        for _ in range(STEPS):
            adam.zero_grad()
            error = self.mse(keep, fill, [fill[k - 1] for k in silenced])
            if error < least:
                least, best = error, [one.detach().clone() for one in fill]
            adam.step()
        return best

    def mse(self, keep: KeepSet, fill: Constants, gradient_of: Constants | None = None) -> float:
        """Mean over the faces fitted to; its gradient is added to those constants named."""
        total = 0.0
        for latents, y in self.parts:
            with torch.set_grad_enabled(gradient_of is not None):
                output = self.network.decode(latents, keep, fill)
                error = (output - y).square().mean() * (len(y) / self.count)
            if gradient_of is not None:
                error.backward(inputs=gradient_of)  # type: ignore[no-untyped-call]
            total += error.item()
        return total
