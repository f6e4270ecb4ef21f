"""The numbers that say whether a face set is fit for use."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from facerot.data.heads.faceset import YAWS, FaceSet

BACKGROUND = 0.5
# Alpha (0 to 255) in the first row from which a head counts as touching the top edge.
TOUCHING = 32


@dataclass(frozen=True)
class Numbers:
    """Distances are mean squared differences of pixel values in [0, 1] on plain grey."""

    persons: int
    images: int
    megabytes: float
    nearest_person: float
    mirrored_views: float
    touching_top: float

    def __str__(self) -> str:
        """One line for each number."""
        return "\n".join(
            [
                f"persons                                  {self.persons}",
                f"images                                   {self.images}",
                f"size                                     {self.megabytes:.2f} MB",
                f"frontal, nearest other person (median)   {self.nearest_person:.4f}",
                f"yaw -30 against flipped +30 (median)     {self.mirrored_views:.4f}",
                f"frontal touches the top edge             {self.touching_top:.1%}",
            ]
        )


def measure(faces: FaceSet) -> Numbers:
    """Look at every person of a set."""
    persons = faces.persons()
    fronts = np.stack([faces.over(person, 0, BACKGROUND) for person in persons])
    tops = [faces.image(person, 0)[0, :, 3].max() >= TOUCHING for person in persons]
    return Numbers(
        len(persons),
        len(persons) * len(YAWS),
        faces.path.stat().st_size / 1e6,
        float(np.median(nearest_distances(fronts))),
        float(np.median([_mirrored(faces, person) for person in persons])),
        float(np.mean(tops)),
    )


def nearest_distances(images: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> list[float]:
    """For each image (N, H, W, 3), the mean squared distance to the nearest other one."""
    distances = []
    for index, image in enumerate(images):
        others = np.delete(images, index, axis=0)
        distances.append(float(np.mean((others - image) ** 2, axis=(1, 2, 3)).min(initial=np.inf)))
    return distances


def _mirrored(faces: FaceSet, person: int) -> float:
    left, right = (faces.over(person, yaw, BACKGROUND) for yaw in (-30, 30))
    return float(np.mean((left - right[:, ::-1]) ** 2))
