"""Number of zero weights of a layer: from its weights or its counts, never guessed for a pruned layer.

A zero weight costs nothing in the Latency strategy, so a network pruned to one weight in a thousand is a thousandth of
the same network taken as full.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from fasttrig.base.errors import InputError
from fasttrig.base.fixed import FloatArray
from fasttrig.estimate.constants import Products, count_products
from fasttrig.estimate.types import Width

_TRY = "give n_zeros, n_nonzeros, sparsity (share of zero weights) or the weights themselves"


@dataclass(frozen=True, slots=True)
class SaidWeights:
    """Statement of a description about the weights of a layer; None if there is none."""

    n_nonzeros: float | None = None
    magnitude: float | None = None  # log2 of the largest raw weight
    products: Products | None = None


def count_weights(
    item: Mapping[str, Any], n_in: int, n_out: int, width: Width, *, name: str, only: bool = True
) -> SaidWeights:
    """Count the weights of one layer.

    Parameters
    ----------
    item : mapping
        The layer's fields; `weights` (n_in x n_out real numbers, in any shape of that size), `n_nonzeros`, `n_zeros`,
        `sparsity` (0 to 1) and `pruned` (bool) are read.
    n_in, n_out : int
        Size of the matrix.
    width : Width
        Type of the weights: those that round to zero in it are zeros.
    name : str
        The layer, for an error.
    only : bool
        Whether the layer has this matrix only; the counts of a recurrent layer may be of its two matrices together.

    Raises
    ------
    InputError
        If the layer is pruned and nothing says how many weights are zero, if more weights are counted than the matrix
        has, or if the weights are no numbers, too many or too few.
    """
    where, size = f"layer {name!r}", n_in * n_out
    if item.get("weights") is not None and not only:
        raise InputError("a recurrent layer has two weight matrices", where=where, try_="give n_zeros")
    if item.get("weights") is not None:
        return _from_weights(item, n_in, n_out, width, where)
    n_nonzeros, n_zeros, sparsity = (_count(item, key) for key in ("n_nonzeros", "n_zeros", "sparsity"))
    if sparsity is not None and sparsity > 1:
        raise InputError("sparsity must be between 0 and 1", where=where, got=f"{sparsity:g}", want="0 to 1")
    counted = (n_nonzeros or 0) + (n_zeros or 0)
    if only and counted > size:  # fewer are right: a depthwise convolution is listed with a full matrix
        raise InputError(
            "the weight counts exceed the number of weights in the layer",
            where=where,
            got=f"n_zeros {n_zeros or 0:g}, n_nonzeros {n_nonzeros or 0:g}",
            want=f"at most {n_in} x {n_out} = {size}",
        )
    if n_nonzeros is None and n_zeros is not None:
        n_nonzeros = max(0.0, size - n_zeros)
    if n_nonzeros is None and sparsity is not None:
        n_nonzeros = size * (1 - sparsity)
    if n_nonzeros is None and item.get("pruned"):
        raise InputError("a pruned layer needs its number of zero weights", where=where, try_=_TRY)
    return SaidWeights(n_nonzeros)


def _from_weights(item: Mapping[str, Any], n_in: int, n_out: int, width: Width, where: str) -> SaidWeights:
    weights = _array(item["weights"], where)
    if weights.size != n_in * n_out or not np.isfinite(weights).all():
        raise InputError(
            "these weights do not fit the layer",
            where=where,
            got=f"{weights.size} numbers" + ("" if np.isfinite(weights).all() else ", some not finite"),
            want=f"{n_in} x {n_out} finite numbers",
        )
    largest = 2.0 ** (width.width - 1)
    scaled = np.floor(weights * 2.0**width.fraction_bits + 0.5)
    raw = np.clip(scaled, -largest, largest - 1).astype(np.int64).reshape(n_in, n_out)
    top = int(np.abs(raw).max(initial=1))
    return SaidWeights(float(np.count_nonzero(raw)), math.log2(max(top, 1)), count_products(raw))


def _array(content: object, where: str) -> FloatArray:
    try:
        return np.asarray(content, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError("the weights are not numbers", where=where, got=str(error)) from None


def _count(item: Mapping[str, Any], key: str) -> float | None:
    """A count; a negative number or the name of a C++ constant counts as not given."""
    content = item.get(key)
    if content is None or isinstance(content, bool) or not isinstance(content, int | float) or not content >= 0:
        return None
    return float(content)
