"""The weights of HGQ2's layers as Keras 3 stores them, under one set of names: ``kernel``, ``iq/f``, ``iq/1/k``.

A quantiser is a layer inside its layer, with one number of bits for each weight or for each element. ``.keras`` files
number its variables (trained ones first), ``.h5`` files name them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from fasttrig.frontends.hgq.schema import PREFIX

ReadArray = Callable[[Any, str], np.ndarray]
"""A dataset of a group by its name, within the file's bounds."""

_BOOKS = ("beta", "ebops")
"""What training keeps of itself."""

_NORMED = ("QBatchNormDense", "QEinsumDenseBatchnorm")


def numbered_weights(group: Any, kind: str, config: Mapping[str, Any], read: ReadArray) -> dict[str, np.ndarray]:
    """The weights of one layer of a ``.keras`` file."""
    kind = kind.removeprefix(PREFIX)
    own = _vars(group, _own_names(kind, config), read)
    found = {name: array for name, array in own.items() if name not in _BOOKS}
    if kind == "Quantizer":
        return _quantiser(group, config.get("config"), "q", read)
    for site in ("iq", "kq", "bq", "oq"):
        if site not in group:
            continue
        confs = config.get(f"{site}_confs")
        if confs is None:
            found |= _quantiser(group[site], config.get(f"{site}_conf"), site, read)
            continue
        inner = group[site].get("quantizers", {})
        for number in range(len(inner)):
            conf = confs[number] if isinstance(confs, list) and number < len(confs) else confs
            name = f"quantizer_{number}" if number else "quantizer"
            if name in inner:
                found |= _quantiser(inner[name], conf, f"{site}/{number}", read)
    return found


def _quantiser(group: Any, conf: Any, site: str, read: ReadArray) -> dict[str, np.ndarray]:
    options = conf.get("config", {}) if isinstance(conf, Mapping) else {}
    wraps = options.get("overflow_mode") == "WRAP"
    if options.get("q_type") == "kbi":
        names = ["b", "k", "i"] if wraps else ["b", "i", "k"]
    else:
        names = ["f", "k", "i"] if wraps else ["i", "f", "k"]
    inner = group.get("quantizer", {})
    return {f"{site}/{name}": array for name, array in _vars(inner, names, read).items()}


def _own_names(kind: str, config: Mapping[str, Any]) -> list[str]:
    """The variables of the layer itself: those that training changes, then those that it does not."""
    has_bias = config.get("bias_axes") is not None if "equation" in config else config.get("use_bias", True)
    trained = ["kernel", *(["bias"] if has_bias else [])] if "kq_conf" in config else []
    books = [*_BOOKS] if config.get("enable_ebops") else []
    if kind not in _NORMED:
        return trained + books
    gamma = ["bn_gamma"] if config.get("scale", True) else []
    return [*trained, *gamma, *books, "moving_mean", "moving_variance"]


def _vars(group: Any, names: list[str], read: ReadArray) -> dict[str, np.ndarray]:
    present = sorted(group["vars"], key=int) if "vars" in group else []
    return {name: read(group["vars"], key) for name, key in zip(names, present, strict=False)}


def kept_names(names: list[str]) -> list[str]:
    """What a ``.h5`` file keeps of a layer, without the books of training (one of which may be infinite)."""
    return [name for name in names if name.rsplit("/", 1)[-1] not in (*_BOOKS, "i_decay_speed")]


_SITE = re.compile(r"(?:.*_)?([ikbo]q)")


def named_weights(names: list[str]) -> list[str]:
    """Our names of the weights of a ``.h5`` file: ``fc1/fc1_iq/fixed_point_quantizer_kif/f`` is ``iq/f``."""
    several: list[str] = []
    found = []
    for name in names:
        *path, last = name.split(":", 1)[0].split("/")
        if not path or not path[-1].startswith("fixed_point_quantizer"):
            found.append("bn_gamma" if last == "gamma" else last)
        elif len(path) > 2 and path[-3].startswith("multiple_quantizers"):
            if path[-2] not in several:
                several.append(path[-2])
            found.append(f"iq/{several.index(path[-2])}/{last}")
        else:
            site = _SITE.fullmatch(path[-2])
            found.append(f"{site[1] if site and len(path) > 2 else 'q'}/{last}")
    return found
