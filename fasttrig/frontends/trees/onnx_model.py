"""ONNX tree ensembles (``TreeEnsembleClassifier`` and ``TreeEnsembleRegressor`` of ai.onnx.ml), file or live model.

Values and weights are float32 (or double, in the ``*_as_tensor`` attributes of opset 3). Modes may differ from node to
node; they are brought to one rule without changing an outcome: ``x <= v`` is ``x < next number above v`` in the format
of the comparison, and GT, GTE are LEQ, LT with the children exchanged.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from fasttrig.base.errors import InputError, MissingPackageError, UnsupportedError
from fasttrig.base.fixed import FloatArray, IntArray
from fasttrig.frontends.refusals import refuse_unknown
from fasttrig.frontends.trees.ensemble import MOST_OUTPUTS, Ensemble, InputFormat, Link, SplitRule, Tree
from fasttrig.frontends.trees.files import read_bytes, understanding
from fasttrig.frontends.trees.grow import NodeTable, grow

KINDS = {"TreeEnsembleClassifier": "class", "TreeEnsembleRegressor": "target"}
_MOST_NUMBERS = 1 << 25
"""Nodes times outputs: 256 MiB of float64."""
_NODE_LISTS = (
    *("falsenodeids", "featureids", "hitrates", "hitrates_as_tensor", "missing_value_tracks_true", "modes"),
    *("nodeids", "treeids", "truenodeids", "values", "values_as_tensor"),
)
_LEAF_LISTS = ("ids", "nodeids", "treeids", "weights", "weights_as_tensor")
_OTHERS = {
    "class": ("classlabels_int64s", "classlabels_strings"),
    "target": ("n_targets", "aggregate_function"),
}
_HARMLESS = {"ZipMap", "Cast", "Identity"}
_LINKS = {"NONE": Link.NONE, "SOFTMAX": Link.SOFTMAX, "LOGISTIC": Link.LOGISTIC}
# Mode: whether the true child takes small x, and whether equality counts as small x.
_MODES = {
    "BRANCH_LEQ": (True, True),
    "BRANCH_LT": (True, False),
    "BRANCH_GT": (False, True),
    "BRANCH_GTE": (False, False),
}


def is_onnx(source: Any) -> bool:
    """Whether `source` is a live ``onnx.ModelProto``."""
    return type(source).__name__ == "ModelProto" and type(source).__module__.startswith("onnx")


def read_file(path: Path) -> Ensemble:
    try:
        import onnx
        from google.protobuf.message import DecodeError
    except ImportError:
        raise MissingPackageError(
            "reading ONNX files needs a package that is not installed",
            where=str(path),
            got="no onnx",
            try_="pip install onnx",
        ) from None
    try:
        model = onnx.load_model_from_string(read_bytes(path))
    except (DecodeError, ValueError) as error:
        raise InputError("not an ONNX file", where=str(path), got=str(error)) from None
    return read_live(model, str(path))


def read_live(model: Any, where: str = "onnx.ModelProto") -> Ensemble:
    """The one tree ensemble of a model.

    Raises
    ------
    UnsupportedError
        For other operators that compute, more than one ensemble, equality splits, MIN and MAX aggregation and links
        other than none, softmax and logistic.
    """
    with understanding(where):
        return _ensemble(model, where)


def _ensemble(model: Any, where: str) -> Ensemble:
    node = _only_ensemble(model, where)
    _refuse_external_data(node, where)
    attributes = {a.name: _attribute(a) for a in node.attribute}
    prefix = KINDS[node.op_type]
    refuse_unknown(attributes, _known(prefix), f"{where} > {node.op_type}")
    input_format: InputFormat = "float64" if _is_double(model, node) else "float32"
    aggregate = _text(attributes.get("aggregate_function", "SUM"))
    transform = _text(attributes.get("post_transform", "NONE"))
    if aggregate not in ("SUM", "AVERAGE") or transform not in _LINKS:
        raise UnsupportedError(
            "the tree ensemble is not a plain sum of trees",
            where=f"{where} > {node.op_type}",
            got=f"aggregate_function {aggregate}, post_transform {transform}",
            want=f"SUM or AVERAGE, {', '.join(_LINKS)}",
        )
    n_features = _n_features(model, node, attributes, where)
    trees, n_outputs = _trees(attributes, prefix, aggregate, n_features, input_format, where)
    labels = [*attributes.get("classlabels_int64s", ()), *attributes.get("classlabels_strings", ())]
    base = _column(attributes, "base_values", np.zeros(n_outputs))
    if len(base) != n_outputs:
        raise UnsupportedError(
            "the number of base values differs from the number of outputs",
            where=where,
            got=str(len(base)),
            want=f"none or {n_outputs}",
        )
    return Ensemble(
        library=f"onnx {node.op_type}",
        origin=where,
        objective=f"aggregate_function {aggregate}, post_transform {transform}",
        n_features=n_features,
        feature_names=(),
        n_classes=len(labels),
        trees=trees,
        base_margin=base.astype(np.float64),
        split_rule=SplitRule.LT,
        input_format=input_format,
        link=_link(transform, len(labels), n_outputs, _column(attributes, f"{prefix}_weights")),
        rounds_used=len(trees),
        rounds_stored=len(trees),
    )


def _link(transform: str, n_labels: int, n_outputs: int, weights: FloatArray) -> Link:
    """onnxruntime makes both columns of one score of two classes: ``[1 - s, s]`` where no weight is negative.

    Otherwise they are ``[-s, s]``, which is the score itself; a softmax is not taken in either case.
    """
    if n_labels == 2 and n_outputs == 1 and transform != "LOGISTIC":
        return Link.NONE if (weights < 0).any() else Link.PROBABILITY
    return _LINKS[transform]


def _known(prefix: str) -> set[str]:
    """The attributes of an operator of ai.onnx.ml, opsets 1 to 3; `prefix` is that of its leaves."""
    lists = [*(f"nodes_{name}" for name in _NODE_LISTS), *(f"{prefix}_{name}" for name in _LEAF_LISTS)]
    return {*lists, *_OTHERS[prefix], "base_values", "base_values_as_tensor", "post_transform"}


def _only_ensemble(model: Any, where: str) -> Any:
    nodes = list(model.graph.node)
    found = [node for node in nodes if node.op_type in KINDS]
    others = sorted({node.op_type for node in nodes} - set(KINDS) - _HARMLESS)
    if len(found) == 1 and not others:
        return found[0]
    raise UnsupportedError(
        "the ONNX model is not a single tree ensemble",
        where=where,
        got=", ".join(node.op_type for node in nodes)[:200],
        want=f"one of {', '.join(KINDS)}; next to it only {', '.join(sorted(_HARMLESS))}",
        try_="for trees, pass the library's own model; for a network, pass its QKeras model (.h5, .keras)",
    )


def _refuse_external_data(node: Any, where: str) -> None:
    """A tensor may name another file as its content: that file is never opened."""
    import onnx

    for attribute in node.attribute:
        tensors = [attribute.t, *attribute.tensors]
        if any(t.external_data or t.data_location == onnx.TensorProto.EXTERNAL for t in tensors):
            raise UnsupportedError(
                "a tensor is stored in another file",
                where=f"{where} > {node.op_type} > {attribute.name}",
                got="external_data",
                want="a model in one file",
                try_="save the model without external data",
            )


def _attribute(attribute: Any) -> Any:
    import onnx

    return onnx.helper.get_attribute_value(attribute)


def _text(content: Any) -> str:
    return content.decode() if isinstance(content, bytes) else str(content)


def _is_double(model: Any, node: Any) -> bool:
    """A graph input of doubles that the ensemble reads as it is."""
    import onnx

    types = {value.name: value.type.tensor_type.elem_type for value in model.graph.input}
    return types.get(node.input[0]) == onnx.TensorProto.DOUBLE


def _n_features(model: Any, node: Any, attributes: dict[str, Any], where: str) -> int:
    for value in model.graph.input:
        sizes = [dim.dim_value for dim in value.type.tensor_type.shape.dim]
        if value.name == node.input[0] and len(sizes) == 2 and sizes[1] > 0:
            return int(sizes[1])
    if any(value.name == node.input[0] for value in model.graph.input):
        return 1 + max(map(int, attributes.get("nodes_featureids", ())), default=0)
    raise UnsupportedError(
        "another operator changes the features before the trees",
        where=where,
        got=node.input[0],
        want="a tree ensemble on the graph's input",
    )


def _column(attributes: dict[str, Any], name: str, default: FloatArray | None = None) -> FloatArray:
    """Float numbers of an attribute, or of its double twin ``<name>_as_tensor``."""
    if f"{name}_as_tensor" in attributes:
        import onnx

        return np.asarray(onnx.numpy_helper.to_array(attributes[f"{name}_as_tensor"]), dtype=np.float64).reshape(-1)
    if name not in attributes and default is not None:
        return default
    return np.array(attributes.get(name, ()), dtype=np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class _Nodes:
    """The flat node lists of an ensemble, one entry per node of all trees."""

    tree_ids: IntArray
    node_ids: IntArray
    feature: IntArray
    true: IntArray
    false: IntArray
    is_leaf: npt.NDArray[np.bool_]
    true_is_small: npt.NDArray[np.bool_]
    threshold: FloatArray
    default_true: npt.NDArray[np.bool_]


def _nodes(attributes: dict[str, Any], input_format: InputFormat, where: str) -> _Nodes:
    keys = ("treeids", "nodeids", "featureids", "truenodeids", "falsenodeids")
    columns = [_integers(attributes, f"nodes_{key}", where) for key in keys]
    modes = [_text(mode) for mode in attributes.get("nodes_modes", ())]
    values = _column(attributes, "nodes_values").astype(input_format)
    tracks = np.array(attributes.get("nodes_missing_value_tracks_true", np.zeros(len(modes))), dtype=bool)
    if len({len(modes), len(values), len(tracks), *map(len, columns)}) != 1:
        raise InputError("the node lists of the tree ensemble differ in length", where=where)
    unknown = sorted(set(modes) - set(_MODES) - {"LEAF"})
    if unknown:
        raise UnsupportedError(
            "a split is not a single comparison", where=where, got=", ".join(unknown), want=", ".join(_MODES)
        )
    sides = np.array([_MODES.get(mode, (True, False)) for mode in modes], dtype=bool).reshape(-1, 2)
    above = np.nextafter(values, np.array(np.inf, dtype=input_format))
    tree_ids, node_ids, feature, true, false = columns
    return _Nodes(
        tree_ids,
        node_ids,
        feature,
        true,
        false,
        is_leaf=np.array([mode == "LEAF" for mode in modes], dtype=bool),
        true_is_small=sides[:, 0],
        threshold=np.where(sides[:, 1], above, values).astype(np.float64),
        default_true=tracks,
    )


def _trees(
    attributes: dict[str, Any], prefix: str, aggregate: str, n_features: int, input_format: InputFormat, where: str
) -> tuple[tuple[Tree, ...], int]:
    """Trees in the order of the lists, and the number of outputs; trees with several outputs make all multi-target."""
    nodes = _nodes(attributes, input_format, where)
    tree_ids = nodes.tree_ids
    row_of = {pair: row for row, pair in enumerate(zip(tree_ids.tolist(), nodes.node_ids.tolist(), strict=True))}
    if len(row_of) != len(tree_ids):
        raise InputError("two nodes of the tree ensemble have the same id", where=where)
    leaf, owner = _leaves(attributes, prefix, row_of, where)
    if prefix == "class" and leaf.shape[1] == 2 and _n_labels(attributes) == 2:
        _check_votes(attributes, nodes, row_of, where)
    order = list(dict.fromkeys(tree_ids.tolist()))
    if aggregate == "AVERAGE":
        leaf = leaf / len(order)
    single = all(len(outputs) <= 1 for outputs in owner.values())
    trees = []
    for tree_id in order:
        rows = np.flatnonzero(tree_ids == tree_id)
        place = f"{where} > tree {tree_id}"
        output = min(owner.get(tree_id, {0})) if single else 0
        values = leaf[rows][:, [output]] if single else leaf[rows]
        table, root = _table(nodes, rows, values, place)
        trees.append(grow(table, root=root, output=output, n_features=n_features, where=place, whole=True))
    return tuple(trees), leaf.shape[1]


def _leaves(
    attributes: dict[str, Any], prefix: str, row_of: dict[tuple[int, int], int], where: str
) -> tuple[FloatArray, dict[int, set[int]]]:
    """Leaf values, shape (n_rows, n_outputs), and the outputs that each tree adds to."""
    ids = {key: _integers(attributes, f"{prefix}_{key}ids", where) for key in ("tree", "node")}
    outputs = _integers(attributes, f"{prefix}_ids", where)
    weights = _column(attributes, f"{prefix}_weights")
    if not len(ids["tree"]) == len(ids["node"]) == len(outputs) == len(weights):
        raise InputError("the leaf lists of the tree ensemble differ in length", where=where)
    labels = _n_labels(attributes)
    binary = labels <= 2 and len(set(outputs.tolist())) == 1
    stated = int(attributes.get("n_targets", 1)) if prefix == "target" else 1 if binary else labels
    n_outputs = max(int(outputs.max(initial=0)) + 1, stated)
    if (outputs < 0).any() or not 0 < n_outputs <= MOST_OUTPUTS or len(row_of) * n_outputs > _MOST_NUMBERS:
        raise InputError(
            "the number of outputs of the tree ensemble is out of range",
            where=where,
            got=f"{n_outputs} outputs, {len(row_of)} nodes",
            want=f"1 to {MOST_OUTPUTS} outputs, {_MOST_NUMBERS} numbers in all",
        )
    leaf = np.zeros((len(row_of), n_outputs))
    owner: dict[int, set[int]] = {}
    for tree, node, output, weight in zip(
        ids["tree"].tolist(), ids["node"].tolist(), outputs.tolist(), weights.tolist(), strict=True
    ):
        if (tree, node) not in row_of:
            raise InputError(
                "a leaf of the tree ensemble refers to a missing node", where=where, got=f"tree {tree}, node {node}"
            )
        leaf[row_of[tree, node], output] += weight
        owner.setdefault(tree, set()).add(output)
    return leaf, owner


def _n_labels(attributes: dict[str, Any]) -> int:
    return max(len(attributes.get(f"classlabels_{kind}", ())) for kind in ("int64s", "strings"))


def _check_votes(attributes: dict[str, Any], nodes: _Nodes, row_of: dict[tuple[int, int], int], where: str) -> None:
    """With two classes, onnxruntime derives the second score from the first if no leaf of the second is reached."""
    ids = (_integers(attributes, f"class_{key}", where).tolist() for key in ("treeids", "nodeids", "ids"))
    votes: set[tuple[int, int]] = {(row_of[tree, node], output) for tree, node, output in zip(*ids, strict=True)}
    if all(output == 1 for _, output in votes):
        return  # The score of the first class stays 0.
    trees = set(nodes.tree_ids.tolist())
    for output in (0, 1):
        silent = {int(nodes.tree_ids[row]) for row in np.flatnonzero(nodes.is_leaf) if (int(row), output) not in votes}
        if silent == trees:
            raise UnsupportedError(
                "an event may reach no leaf of a class, for which onnxruntime does not compute a sum",
                where=where,
                got=f"every tree has a leaf that names class {1 - output} only",
                want="a score of each class for every event",
            )


def _integers(attributes: dict[str, Any], name: str, where: str) -> IntArray:
    if name not in attributes:
        raise InputError("an attribute is missing from the tree ensemble", where=where, want=name)
    return np.array(attributes[name], dtype=np.int64).reshape(-1)


def _table(nodes: _Nodes, rows: IntArray, leaf: FloatArray, where: str) -> tuple[NodeTable, int]:
    """One tree's rows, and the row that is no child of another; children become places within them."""
    place = {node: index for index, node in enumerate(nodes.node_ids[rows].tolist())}
    is_leaf, small = nodes.is_leaf[rows], nodes.true_is_small[rows]
    true, false = (
        np.array([place.get(node, -1) for node in child[rows].tolist()], dtype=np.int64)
        for child in (nodes.true, nodes.false)
    )
    roots = sorted(set(range(len(rows))) - set(true[~is_leaf].tolist()) - set(false[~is_leaf].tolist()))
    if len(roots) != 1:
        raise InputError(
            "a tree does not have exactly one root", where=where, got=f"{len(roots)} nodes without a parent"
        )
    table = NodeTable(
        is_leaf=is_leaf,
        left=np.where(small, true, false),
        right=np.where(small, false, true),
        feature=nodes.feature[rows],
        threshold=nodes.threshold[rows],
        default_left=nodes.default_true[rows] == small,
        leaf=leaf,
        leaf_id=nodes.node_ids[rows],
    )
    return table, roots[0]
