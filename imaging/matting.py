"""Soft edges: how much of each pixel along a product's outline is the product, and its own colour."""

import cv2
import numpy as np
from numpy.typing import NDArray

from imaging.types import FloatArray, Rgba


def soft(rgb: FloatArray, behind: FloatArray, product: NDArray[np.bool_], away: FloatArray) -> Rgba:
    """Alpha along the edge is how far a pixel has come from the backdrop to the product."""
    mask = product.astype(np.uint8)
    kernel = np.ones((3, 3), np.uint8)
    inside = cv2.erode(mask, kernel).astype(np.bool_)
    edge = cv2.dilate(mask, kernel).astype(np.bool_) & ~inside
    own = _near_colour(rgb, product * away**2, rgb)
    behind = _near_colour(rgb, (~product).astype(np.float32), behind)
    step = own - behind
    length = (step * step).sum(-1)
    part = ((rgb - behind) * step).sum(-1) / np.maximum(length, 50.0)
    cover = cv2.GaussianBlur(mask.astype(np.float32), (0, 0), 0.8)
    trust = np.clip(length / 900.0, 0.0, 1.0)
    alpha = np.where(edge, trust * np.clip(part, 0, 1) + (1 - trust) * cover, inside)
    alpha = np.where(edge & ~product, np.minimum(alpha, 2 * cover), alpha)
    freed = (rgb - (1 - alpha[..., None]) * behind) / np.maximum(alpha, 0.25)[..., None]
    colour = np.where((edge & (alpha < 0.98))[..., None], freed, rgb)
    alpha[alpha < 0.02] = 0
    whole = np.dstack([np.where(alpha[..., None] > 0, colour, 0), alpha * 255])
    return np.clip(whole + 0.5, 0, 255).astype(np.uint8)


def _near_colour(rgb: FloatArray, weight: FloatArray, otherwise: FloatArray) -> FloatArray:
    """The weighted mean around each pixel. The product's is led by the pixels least like the
    backdrop, so thin chains, which have no inside, get one too; the backdrop's has its shadows.
    """
    total = cv2.GaussianBlur(weight, (0, 0), 2.0)[..., None]
    mean = cv2.GaussianBlur(rgb * weight[..., None], (0, 0), 2.0) / np.maximum(total, 1e-3)
    return np.where(total > 0.05, mean, otherwise).astype(np.float32)
