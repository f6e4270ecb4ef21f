"""The photo studio: the lamps around the subject, and how their light becomes a picture."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from facerot.data.heads.arrays import Array, ramp
from facerot.data.heads.faceset import Image
from facerot.data.heads.palette import to_srgb
from facerot.data.heads.people import Studio

ENVIRONMENT_HEIGHT = 64
# Above the knee, light is compressed, so that highlights on pale skin keep their colour.
KNEE = 0.7


def environment(lamps: Studio) -> npt.NDArray[np.float32]:
    """The studio light (64, 128, 3) seen from the subject: ambient, key, fill and rim."""
    height = ENVIRONMENT_HEIGHT
    polar = (np.arange(height) + 0.5) / height * np.pi
    around = (np.arange(2 * height) + 0.5) / height * np.pi
    theta, phi = np.meshgrid(polar, around, indexing="ij")
    x, y, z = np.sin(phi) * np.sin(theta), np.cos(theta), -np.cos(phi) * np.sin(theta)
    direction = np.stack([x, y, z], axis=-1)
    side = float(np.sign(lamps.key_azimuth))
    key = 4.6 * lamps.key_strength * _lamp(direction, lamps.key_azimuth, lamps.key_height, 0.06)
    fill = 1.0 * _lamp(direction, -48 * side, 15, 0.12)
    rim = 1.3 * _lamp(direction, 155 * side, 35, 0.08)
    ambient = lamps.ambient * (0.26 + 0.26 * ramp(y, -1, 1))
    warm = np.array([1, 0.97, 0.92]) * np.exp(lamps.warmth * np.array([1, 0, -1]))
    light: Array = ambient[..., None] * np.ones(3) + key[..., None] * warm
    light += fill[..., None] * np.array([0.93, 0.96, 1]) + rim[..., None]
    return light.astype(np.float32)


def _lamp(direction: Array, azimuth: float, height: float, spread: float) -> Array:
    """A soft lamp (H, W) at azimuth and height in degrees."""
    a, h = np.radians(azimuth), np.radians(height)
    at = np.array([np.sin(a) * np.cos(h), np.sin(h), np.cos(a) * np.cos(h)])
    lamp: Array = np.exp((direction @ at - 1) / spread)
    return lamp


def develop(light: Array) -> Image:
    """Linear premultiplied RGBA to 8-bit sRGB with straight alpha; clear pixels are 0."""
    alpha = np.clip(light[..., 3:], 0, 1)
    colour = np.maximum(light[..., :3], 0) / np.maximum(alpha, 1e-4)
    over = KNEE + (1 - KNEE) * (1 - np.exp(-(colour - KNEE) / (1 - KNEE)))
    coded = to_srgb(np.where(colour > KNEE, over, colour))
    image = np.round(np.concatenate([coded, alpha], axis=-1) * 255).astype(np.uint8)
    image[image[..., 3] == 0] = 0
    return image
