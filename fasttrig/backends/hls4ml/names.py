"""Names that are safe in the C++ that hls4ml writes."""

from __future__ import annotations

import re

from fasttrig.backends.hls4ml.custom import own_attributes
from fasttrig.base.errors import UnsupportedError
from fasttrig.base.names import reserved_words
from fasttrig.ir.graph import Graph
from fasttrig.ir.ops import Value

_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

_ATTRIBUTES = """input name class_name inputs outputs index trace result n_in n_out weight bias scale activation op axis
    accum table precision strategy reuse_factor input_shape target_shape data_format exp inverse full sum distance
    leaky negative_shift limit_raw n_outer table_size is_signed function exp_size inverse_size inverse_index
    output_shape n_chan n_filt in_width out_width filt_width stride_width pad_left pad_right n_partitions trainable
    size target_cycles implementation parallelization_factor index_t include_header config_cpp function_cpp"""
"""Attributes of hls4ml's layers: a layer's output is an attribute too, under the layer's name."""

_HLS4ML_WORDS = own_attributes() | frozenset(_ATTRIBUTES.split())

_OWN_WORDS = frozenset(["nnet", "hls", "ap_fixed", "ap_ufixed", "ap_int", "ap_uint"])

_GENERATED = re.compile(
    r"([wbst]|layer|config|exp|inverse|table|bias|weight|input)\d+.*|clone_.*"
    r"|.*_(t|data|config|index|wide|as_rows|as_tensor|part\d+|output\d+|cpy\d+|values|are_set)"
)


def checked_identifier(name: str, what: str) -> str:
    """`name`, when C++ can use it as a name of its own."""
    if not _IDENTIFIER.fullmatch(name) or _is_word(name) or "__" in name:
        raise UnsupportedError(
            f"the {what} is not a valid C++ name",
            got=repr(name),
            want="letters, digits and single underscores, not a word of C++ or of hls4ml",
            try_="rename it",
        )
    return name


def _is_word(name: str) -> bool:
    return name in reserved_words()["cpp"] or name in _OWN_WORDS


def layer_names(graph: Graph) -> dict[Value, str]:
    """A C++ name for every value: its own, or with a suffix where that would clash with something generated.

    hls4ml looks names up without their case, so two that differ by case alone are told apart too.
    """
    names: dict[Value, str] = {}
    taken = {graph.name.lower()}
    for op in graph.ops:
        name = re.sub(r"__+", "_", op.name)
        if not _IDENTIFIER.fullmatch(name):
            checked_identifier(op.name, "name of an op")
        if _is_word(name) or name.lower() in _HLS4ML_WORDS or _GENERATED.fullmatch(name):
            name = f"{name}_op"
        unique, number = name, 1
        while unique.lower() in taken:
            number += 1
            unique = f"{name}_{number}"
        taken.add(unique.lower())
        names[op.result] = unique
    return names
