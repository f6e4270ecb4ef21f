"""Photos that face left or right, nobody has said which: a page on which to sort them by hand."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
from jinja2 import Environment, PackageLoader, StrictUndefined
from PIL import Image, ImageFilter

from facerot.config import Settings
from facerot.data.images import for_each
from facerot.data.photo import decode
from facerot.data.root import Root
from facerot.data.views import View
from facerot.panels import Pixels

SIDE = 64  # px of a thumbnail
COARSE = 32  # px: what the proposal looks at
BLUR = 4  # px of COARSE: light and background are smoother than faces
ROUNDS = 20  # at most; a handful is enough for the groups to settle

Greys = npt.NDArray[np.float64]


def write_page(root: Root, views: Sequence[View], settings: Settings) -> Path:
    """A page with two groups of photos, left and right; a click moves one, a button saves the list.

    They lie as `data.flip` has them, or, without it, as `halves` proposes.
    """
    pictures = _thumbnails(root, views, settings)
    known = [view for view in views if view in pictures]
    if settings.data.flip is None:
        right = halves(np.stack([pictures[view] for view in known])).tolist()
    else:
        right = [view.yaw > 0 for view in known]
    photos = [(view.file, _as_jpeg(pictures[view]), side) for view, side in zip(known, right)]
    path = Path(settings.outputs) / f"{settings.data.name}-sort.html"
    path.parent.mkdir(parents=True, exist_ok=True)
    environment = Environment(
        loader=PackageLoader("facerot.data", "."), autoescape=True, undefined=StrictUndefined
    )
    page = environment.get_template("sorting.html.jinja")
    path.write_text(page.render(name=settings.data.name, photos=photos, side=SIDE), "utf-8")
    return path


def halves(images: Pixels) -> npt.NDArray[np.bool_]:
    """Photos (N, S, S, 3) in two groups, each like the other in a mirror; which is left is open.

    What a mirror changes in a photo, its structure minus that of its mirror image, is the same for
    all that face one way and its negative for the others: their first principal component tells
    them apart, then each group's mean does. It wants heads in the same place: of 408 profiles of
    one studio four at most were wrong, of heads shifted and scaled at random up to 44 %.
    """
    odd = np.stack([_odd_part(image) for image in images]).reshape(len(images), -1)
    _, _, components = np.linalg.svd(odd, full_matrices=False)
    side: npt.NDArray[np.bool_] = odd @ components[0] > 0
    for _ in range(ROUNDS):
        before, side = side, odd @ np.where(side[:, None], odd, -odd).mean(axis=0) > 0
        if (before == side).all():
            break
    return side


def _odd_part(image: Pixels) -> Greys:
    """The structure of a photo (COARSE, COARSE) minus that of its mirror image."""
    grey = Image.fromarray(image).convert("L").resize((COARSE,) * 2, Image.Resampling.BOX)
    smooth = grey.filter(ImageFilter.GaussianBlur(BLUR))
    structure = np.asarray(grey, np.float64) - np.asarray(smooth, np.float64)
    return structure - structure[:, ::-1]


def _thumbnails(root: Root, views: Sequence[View], settings: Settings) -> Mapping[View, Pixels]:
    """The photos that can be read, cut as the set is, (SIDE, SIDE, 3)."""
    whole = replace(settings.data, matte=None)
    found: dict[View, Pixels] = {}

    def look(view: View, data: bytes) -> None:
        found[view] = decode(data, view.person, whole, SIDE, view.place).transpose(1, 2, 0)

    for_each(views, root, f"thumbnails of {settings.data.name}", look)
    return found


def _as_jpeg(pixels: Pixels) -> str:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=80)
    return base64.b64encode(buffer.getvalue()).decode()
