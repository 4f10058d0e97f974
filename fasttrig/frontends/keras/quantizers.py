"""QKeras quantizers as data: their names, options and defaults, read from strings and configurations.

Strings are read as QKeras' own reader reads them (numbers, True/False, quoted text), without evaluating anything.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np

from fasttrig.base.errors import UnsupportedError, near_names

_NOISE = {"qnoise_factor": 1.0, "var_name": None, "use_ste": True, "use_variables": False}

NOT_WRITTEN = False
"""Default of an option that QKeras 0.9.0 does not know, and that newer releases always write (as None)."""

SIGNATURES: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "quantized_bits": {
            "bits": 8,
            "integer": 0,
            "symmetric": 0,
            "keep_negative": True,
            "alpha": None,
            "use_stochastic_rounding": False,
            "scale_axis": None,
            **_NOISE,
            "elements_per_scale": None,
            "min_po2_exponent": None,
            "max_po2_exponent": None,
            "post_training_scale": NOT_WRITTEN,
        },
        "quantized_relu": {
            "bits": 8,
            "integer": 0,
            "use_sigmoid": 0,
            "negative_slope": 0.0,
            "use_stochastic_rounding": False,
            "relu_upper_bound": None,
            "is_quantized_clip": True,
            **_NOISE,
        },
        "quantized_tanh": {
            "bits": 8,
            "use_stochastic_rounding": False,
            "symmetric": False,
            "use_real_tanh": False,
        },
        "quantized_sigmoid": {
            "bits": 8,
            "symmetric": False,
            "use_real_sigmoid": False,
            "use_stochastic_rounding": False,
        },
        "ternary": {"alpha": None, "threshold": None, "use_stochastic_rounding": False, "number_of_unrolls": 5},
        "binary": {"use_01": False, "alpha": None, "use_stochastic_rounding": False},
        "quantized_po2": {
            "bits": 8,
            "max_value": None,
            "use_stochastic_rounding": False,
            "quadratic_approximation": False,
            "log2_rounding": "rnd",
            **_NOISE,
        },
        "quantized_relu_po2": {
            "bits": 8,
            "max_value": None,
            "negative_slope": 0,
            "use_stochastic_rounding": False,
            "quadratic_approximation": False,
            "log2_rounding": "rnd",
            **_NOISE,
        },
    }
)
"""Parameters in the order of QKeras' constructors, with their defaults (qkeras/quantizers.py, 0.9.0 and later)."""

REFUSED = {
    "quantized_ulaw": "its levels are logarithms",
    "quantized_hswish": "it is a product of two activations",
    "bernoulli": "it draws random numbers",
    "stochastic_ternary": "it draws random numbers in training; retrain with ternary",
    "stochastic_binary": "it draws random numbers in training; retrain with binary",
}
_PLAIN = (None, False)
_CALL = re.compile(r"\s*([A-Za-z_]\w*)\s*(?:\((.*)\))?\s*", re.DOTALL)
_ARGUMENT = re.compile(r"\s*(?:([A-Za-z_]\w*)\s*=)?\s*('[^']*'|\"[^\"]*\"|[^,=()\[\]]+?)\s*(?:,|$)")


@dataclass(frozen=True, slots=True)
class Quantizer:
    """One quantizer: its QKeras name and all of its options, defaults filled in."""

    name: str
    options: Mapping[str, Any]

    def __getitem__(self, option: str) -> Any:
        return self.options[option]

    def __str__(self) -> str:
        defaults = SIGNATURES[self.name]
        always = ("bits", "integer")
        shown = [
            (key, value) for key, value in self.options.items() if key in always or not _same(value, defaults.get(key))
        ]
        return f"{self.name}({', '.join(f'{key}={_show(value)}' for key, value in shown)})"

    @property
    def alpha_is_auto(self) -> bool:
        return isinstance(self.options.get("alpha"), str)

    @property
    def is_newer(self) -> bool:
        """Whether a release after QKeras 0.9.0 wrote it: 'auto_po2' rounds once more there, with the final scale."""
        return self.options.get("post_training_scale", NOT_WRITTEN) is None


def read_quantizer(content: Any, where: str) -> Quantizer | None:
    """The quantizer of a configuration: text, ``{"class_name": ..., "config": ...}`` or None.

    Raises
    ------
    UnsupportedError
        For a quantizer or an option that is not QKeras', or that cannot be computed exactly.
    """
    if content is None:
        return None
    if isinstance(content, str):
        name, options = _from_text(content, where)
    elif isinstance(content, Mapping) and "class_name" in content:
        name, config = str(content["class_name"]).rsplit(">", 1)[-1], content.get("config")
        options = dict(config) if isinstance(config, Mapping) else {}
    else:
        raise _unreadable(content, where)
    if name in REFUSED:
        raise UnsupportedError(
            "fasttrig cannot use this quantizer",
            where=where,
            got=name,
            want="a quantizer of fixed, representable levels",
            try_=REFUSED[name],
        )
    if name not in SIGNATURES:
        raise UnsupportedError(
            "fasttrig does not know this quantizer",
            where=where,
            got=name,
            want="a QKeras quantizer",
            try_=near_names(name, SIGNATURES),
        )
    try:
        plain = {str(key)[:80]: _plain_array(value) for key, value in options.items()}
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise _unreadable(content, where) from error
    return _checked(name, plain, where)


def quantizer_name(content: Any) -> str | None:
    """The name that `content` starts with, of any kind: ``quantized_relu``, ``softmax``, ``linear``."""
    if isinstance(content, Mapping):
        name = content.get("class_name")
        if name in ("Activation", "QActivation"):
            inner = content.get("config")
            activation = inner.get("activation") if isinstance(inner, Mapping) else None
            return quantizer_name(activation) if isinstance(activation, str) else _class_name(activation)
        inner = content.get("config")
        return inner if name == "function" and isinstance(inner, str) else _class_name(content)
    match = _CALL.fullmatch(content) if isinstance(content, str) else None
    return match[1] if match else None


def _class_name(content: Any) -> str | None:
    """The class of a configuration that is not text; never looks further in, however deep it goes."""
    name = content.get("class_name") if isinstance(content, Mapping) else None
    return str(name).rsplit(">", 1)[-1] if name else None


def _checked(name: str, options: Mapping[str, Any], where: str) -> Quantizer:
    defaults = SIGNATURES[name]
    unknown = [key for key in options if key not in defaults]
    if unknown:
        raise UnsupportedError(
            f"{name} has no such option",
            where=where,
            got=", ".join(unknown),
            want=", ".join(defaults),
            try_=near_names(unknown[0], defaults),
        )
    quantizer = Quantizer(name, MappingProxyType(dict(defaults) | dict(options)))
    for option, check, want, hint in _CHECKS:
        if option in quantizer.options and not _holds(check, quantizer[option]):
            raise UnsupportedError(
                "fasttrig cannot use this quantizer",
                where=where,
                got=str(quantizer),
                want=want if option in want else f"{option}: {want}",
                try_=hint,
            )
    return quantizer


def _holds(check: Callable[[Any], bool], value: Any) -> bool:
    """Whether a check passes; a value that it cannot even look at (NaN as a count, text as a number) does not."""
    try:
        return bool(check(value))
    except (TypeError, ValueError, OverflowError):
        return False


def _is_flag(value: Any) -> bool:
    return value is None or (not isinstance(value, (str, list, tuple, Mapping)) and value in (0, 1))


def _is_count(value: Any, low: int, high: int) -> bool:
    return (
        not isinstance(value, (str, list, tuple))
        and value is not None
        and float(value) == int(value)
        and (low <= int(value) <= high)
    )


def _is_alpha(value: Any) -> bool:
    if value is None or (isinstance(value, str) and value in ("auto", "auto_po2")):
        return True
    if isinstance(value, str):
        return False
    array = np.asarray(value)
    if array.dtype.kind not in "fiub" or array.size == 0 or not np.isfinite(array.astype(np.float64)).all():
        return False
    return bool((np.frexp(array.astype(np.float64))[0] == 0.5).all())


_FLAGS = (
    "keep_negative",
    "use_stochastic_rounding",
    "is_quantized_clip",
    "use_real_tanh",
    "use_real_sigmoid",
    "use_01",
    "use_sigmoid",
    "quadratic_approximation",
    "use_ste",
    "use_variables",
)
_NO_REAL_ALPHA = "retrain with alpha=1, or with alpha='auto_po2' or 'auto' on weights"
_NO_OPTION = "retrain without it: fasttrig reads one scale per output channel, found by QKeras"
_CHECKS = (
    ("bits", lambda v: _is_count(v, 1, 32), "a whole number from 1 to 32", "retrain with fewer bits"),
    (
        "integer",
        lambda v: _is_count(v, 0, 32),
        "a whole number from 0 to 32",
        "QKeras itself cannot compute 2**integer for negative or non-integer numbers; use fewer bits instead",
    ),
    ("symmetric", lambda v: v in (0, 1), "0 or 1", ""),
    *((flag, _is_flag, "True or False", "") for flag in _FLAGS),
    ("alpha", _is_alpha, "None, a power of two (or an array of them), 'auto' or 'auto_po2'", _NO_REAL_ALPHA),
    ("scale_axis", lambda v: v is None, "None: scales per output channel", "retrain without scale_axis"),
    ("qnoise_factor", lambda v: v == 1, "1: fully quantised", "set qnoise_factor to 1 before saving"),
    *(
        (option, lambda v: v is None, "None", _NO_OPTION)
        for option in ("elements_per_scale", "min_po2_exponent", "max_po2_exponent")
    ),
    (
        "post_training_scale",
        lambda v: v is None or v is NOT_WRITTEN,
        "None",
        "scales that are real numbers are not read yet; retrain with alpha='auto_po2' and without post_training_scale",
    ),
    (
        "negative_slope",
        lambda v: v == 0 or (_is_alpha(v) and 0 < v <= 1),
        "0 or a power of two up to 1",
        "retrain with negative_slope=0.125 or another power of two",
    ),
    ("log2_rounding", lambda v: v in ("rnd", "floor"), "'rnd' or 'floor'", ""),
    ("max_value", lambda v: v is None or float(v) > 0, "None or a positive number", ""),
    (
        "relu_upper_bound",
        lambda v: v is None or (not isinstance(v, str) and 0 <= float(v) < 2**64),
        "None or a number",
        "",
    ),
    ("number_of_unrolls", lambda v: _is_count(v, 1, 1000), "a whole number", ""),
    ("threshold", lambda v: v is None or (not isinstance(v, (str, list)) and float(v) > 0), "None or positive", ""),
)


def _from_text(text: str, where: str) -> tuple[str, dict[str, Any]]:
    match = _CALL.fullmatch(text)
    if match is None:
        raise _unreadable(text, where)
    name, arguments = match[1], match[2] or ""
    names = list(SIGNATURES.get(name, ()))
    options: dict[str, Any] = {}
    position, keyword_seen = 0, False
    while names and position < len(arguments) and arguments[position:].strip():
        item = _ARGUMENT.match(arguments, position)
        if item is None or (item[1] is None and (keyword_seen or len(options) >= len(names))):
            raise _unreadable(text, where)
        keyword_seen = keyword_seen or item[1] is not None
        options[item[1] or names[len(options)]] = _literal(item[2], text, where)
        position = item.end()
    return name, options


def _literal(word: str, text: str, where: str) -> Any:
    if word in ("True", "False"):
        return word == "True"
    if word[0] in "'\"":
        return word[1:-1]
    for kind in (int, float):
        try:
            return kind(word)
        except ValueError:
            continue
    raise UnsupportedError(
        "an argument of this quantizer is not a number, True, False or quoted text",
        where=where,
        got=text,
        want="what QKeras' own reader understands",
        try_=f"leave {word} out: QKeras reads it as {word[1:-1]!r}",
    )


def _unreadable(content: Any, where: str) -> UnsupportedError:
    return UnsupportedError(
        "fasttrig cannot read this quantizer",
        where=where,
        got=str(content)[:120],
        want="such as quantized_bits(6,0,alpha=1)",
    )


def _plain_array(value: Any) -> Any:
    """Arrays as Keras writes them into JSON (``{"class_name": "__numpy__", ...}``), and lists, as arrays."""
    for key in ("config", "value") if isinstance(value, Mapping) and value.get("class_name") == "__numpy__" else ():
        value = value.get(key) if isinstance(value, Mapping) else value
    if isinstance(value, Mapping):
        value = value.get("value")
    if isinstance(value, Mapping):
        raise ValueError("an option is an object")
    if not isinstance(value, list):
        return value
    array = np.asarray(value, dtype=np.float64)
    return float(array) if array.ndim == 0 else array


def _same(value: Any, default: Any) -> bool:
    if np.ndim(value) or isinstance(value, str) != isinstance(default, str):
        return False
    return bool(value == default) or (value in _PLAIN and default in _PLAIN)


def _show(value: Any) -> str:
    return repr(value) if np.ndim(value) == 0 else str(np.asarray(value).tolist())
