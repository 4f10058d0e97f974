"""TMVA's XML weight files (boosted decision trees: gradient boost, AdaBoost, bagging), plain or gzipped.

A node goes right when ``x >= cut`` where cType is 1, and when ``x < cut`` where it is 0 (DecisionTreeNode::GoesRight of
ROOT); both are float32. Read as a stream of tags by expat: no entity is ever expanded, no depth is ever recursed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.parsers import expat

import numpy as np

from fasttrig.base.errors import InputError, UnsupportedError
from fasttrig.frontends.refusals import refuse_unknown
from fasttrig.frontends.trees.ensemble import Ensemble, Link, SplitRule, Tree
from fasttrig.frontends.trees.files import read_bytes, whole_number
from fasttrig.frontends.trees.grow import NodeTable, grow

_CLASSIFICATION, _REGRESSION, _MULTICLASS = 0, 1, 2
_WEIGHTS = {"NTrees", "AnalysisType", "TreeType"}
_TREE = {"type", "boostWeight", "itree"}
_NODE = {"pos", "depth", "NCoef", "IVar", "Cut", "cType", "res", "rms", "purity", "nType"}
BOOSTS = ("Grad", "AdaBoost", "Bagging")


@dataclass(slots=True)
class _RawTree:
    """A tree as its tags come: per node the attributes, and the children by side."""

    boost_weight: float
    nodes: list[dict[str, str]] = field(default_factory=list)
    children: list[dict[str, int]] = field(default_factory=list)


@dataclass(slots=True)
class _Content:
    """What of a weight file matters."""

    where: str
    method: str = ""
    options: dict[str, str] = field(default_factory=dict)
    variables: list[str] = field(default_factory=list)
    n_variables: int = -1
    n_targets: int = 0
    n_classes: int = 0
    n_transformations: int = 0
    analysis: int = -1
    n_trees: int = -1
    trees: list[_RawTree] = field(default_factory=list)


class _TagReader:
    """Collects tags; `open_nodes` is the path from a tree's root to the current node."""

    def __init__(self, where: str) -> None:
        self.content = _Content(where)
        self.open_nodes: list[int] = []
        self.option: str | None = None
        self.in_weights = False

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        if self.in_weights:
            refuse_unknown([tag], ("BinaryTree", "Node"), f"{self.content.where} > Weights")
        handler = _STARTS.get(tag)
        if handler is not None:
            handler(self, attributes)

    def end(self, tag: str) -> None:
        if tag == "Node" and self.open_nodes:
            self.open_nodes.pop()
        elif tag == "Option":
            self.option = None
        elif tag == "Weights":
            self.in_weights = False

    def text(self, text: str) -> None:
        if self.option is not None:
            self.content.options[self.option] += text

    def refuse_definitions(self, *_: Any) -> None:
        raise InputError("a weight file must not define a document type or entities", where=self.content.where)

    def on_setup(self, attributes: dict[str, str]) -> None:
        self.content.method = attributes.get("Method", "")

    def on_option(self, attributes: dict[str, str]) -> None:
        self.option = attributes.get("name", "")
        self.content.options[self.option] = ""

    def on_variables(self, attributes: dict[str, str]) -> None:
        self.content.n_variables = self.integer(attributes, "NVar")

    def on_variable(self, attributes: dict[str, str]) -> None:
        self.content.variables.append(attributes.get("Expression", attributes.get("Label", "")))

    def on_targets(self, attributes: dict[str, str]) -> None:
        self.content.n_targets = self.integer(attributes, "NTrgt")

    def on_classes(self, attributes: dict[str, str]) -> None:
        self.content.n_classes = self.integer(attributes, "NClass")

    def on_transformations(self, attributes: dict[str, str]) -> None:
        self.content.n_transformations = self.integer(attributes, "NTransformations")

    def on_weights(self, attributes: dict[str, str]) -> None:
        cuts = sorted(key for key in attributes if key.startswith("Preselection") and not key.endswith("Value"))
        used = [key for key in cuts if attributes[key].strip() not in ("0", "False")]
        if used:
            raise UnsupportedError(
                "preselection cuts before the trees are not supported",
                where=f"{self.content.where} > Weights",
                got=", ".join(used),
                want="no preselection",
                try_="train with DoPreselection=False",
            )
        known = _WEIGHTS | set(cuts) | {f"{key}Value" for key in cuts}
        refuse_unknown(attributes, known, f"{self.content.where} > Weights")
        self.in_weights = True
        # Files written before TMVA 4.1 call this attribute TreeType.
        self.content.analysis = self.integer(attributes, "AnalysisType" if "AnalysisType" in attributes else "TreeType")
        self.content.n_trees = self.integer(attributes, "NTrees")

    def on_tree(self, attributes: dict[str, str]) -> None:
        refuse_unknown(attributes, _TREE, f"{self.content.where} > tree {len(self.content.trees)}")
        self.open_nodes = []
        self.content.trees.append(_RawTree(self.real(attributes, "boostWeight")))

    def on_node(self, attributes: dict[str, str]) -> None:
        if not self.content.trees:
            raise InputError("a node lies outside a tree", where=self.content.where)
        tree = self.content.trees[-1]
        where = f"{self.content.where} > tree {len(self.content.trees) - 1}"
        number = len(tree.nodes)
        coefficients = {key for key in attributes if re.fullmatch(r"fC\d+", key)}
        refuse_unknown(attributes, _NODE | coefficients, f"{where} > node {number}")
        if number and not self.open_nodes:
            raise InputError("a tree has two roots", where=where)
        if self.open_nodes:
            side = attributes.get("pos", "")
            siblings = tree.children[self.open_nodes[-1]]
            if side not in ("l", "r") or side in siblings:
                raise InputError("a node is neither the left nor the right child", where=where, got=f"pos={side!r}")
            siblings[side] = number
        tree.nodes.append(attributes)
        tree.children.append({})
        self.open_nodes.append(number)

    def integer(self, attributes: dict[str, str], key: str) -> int:
        return whole_number(attributes.get(key), f"{self.content.where} > {key}")

    def real(self, attributes: dict[str, str], key: str) -> float:
        return _real(attributes, key, self.content.where)


_STARTS = {
    "MethodSetup": _TagReader.on_setup,
    "Option": _TagReader.on_option,
    "Variables": _TagReader.on_variables,
    "Variable": _TagReader.on_variable,
    "Targets": _TagReader.on_targets,
    "Classes": _TagReader.on_classes,
    "Transformations": _TagReader.on_transformations,
    "Weights": _TagReader.on_weights,
    "BinaryTree": _TagReader.on_tree,
    "Node": _TagReader.on_node,
}


def is_tmva(content: bytes) -> bool:
    """Whether unpacked bytes look like a TMVA weight file."""
    return b"<MethodSetup" in content[:4096]


def read_file(path: Path) -> Ensemble:
    return parse_weights(read_bytes(path), str(path))


def parse_weights(content: bytes, where: str) -> Ensemble:
    """The ensemble of an unpacked weight file; blank lines before the XML declaration are tolerated.

    The margin is the sum that TMVA computes before its link: for gradient boost the sum of responses (the link
    ``2 / (1 + exp(-2 x)) - 1`` is tanh), for AdaBoost and bagging the weighted mean of ``nType`` (UseYesNoLeaf) or of
    the purity.

    Raises
    ------
    InputError
        If the XML is broken, or defines entities.
    UnsupportedError
        For other methods and boosts, variable transformations, oblique (Fisher) cuts and AdaBoost.R2 (a median).
    """
    reader = _TagReader(where)
    parser = expat.ParserCreate()
    parser.StartElementHandler, parser.EndElementHandler = reader.start, reader.end
    parser.CharacterDataHandler = reader.text
    parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = reader.refuse_definitions
    try:
        parser.Parse(content.lstrip(b"\xef\xbb\xbf \t\r\n"), True)
    except expat.ExpatError as error:
        raise InputError("not an XML file", where=where, got=str(error)) from None
    return _ensemble(reader.content)


def _ensemble(content: _Content) -> Ensemble:
    _refuse(content)
    boost = content.options["BoostType"].strip()
    n_outputs = content.n_classes if content.analysis == _MULTICLASS else 1
    weights = np.array([tree.boost_weight for tree in content.trees])
    shares = np.ones(len(weights)) if boost == "Grad" else weights / weights.sum()
    key = _leaf_key(content, boost)
    trees = tuple(
        _tree(raw, key, share, index % n_outputs, content, index)
        for index, (raw, share) in enumerate(zip(content.trees, shares, strict=True))
    )
    start = weights[0] if boost == "Grad" and content.analysis == _REGRESSION else 0.0
    link = Link.SOFTMAX if content.analysis == _MULTICLASS else Link.TANH
    return Ensemble(
        library="tmva",
        origin=content.where,
        objective=f"{boost}, analysis type {content.analysis}",
        n_features=content.n_variables,
        feature_names=tuple(content.variables[: content.n_variables]),
        n_classes={_CLASSIFICATION: 2, _MULTICLASS: content.n_classes}.get(content.analysis, 0),
        trees=trees,
        base_margin=np.full(n_outputs, start),
        split_rule=SplitRule.LT,
        input_format="float32",
        link=link if boost == "Grad" and content.analysis != _REGRESSION else Link.NONE,
        rounds_used=len(trees) // n_outputs,
        rounds_stored=len(trees) // n_outputs,
    )


def _refuse(content: _Content) -> None:
    boost, where = content.options.get("BoostType", "").strip(), content.where
    if not content.method.startswith("BDT") or boost not in BOOSTS:
        raise UnsupportedError(
            "this TMVA method is not a sum of trees",
            where=where,
            got=f"method {content.method!r}, BoostType {boost!r}",
            want=f"BDT with {', '.join(BOOSTS)}",
        )
    if content.n_transformations:
        raise UnsupportedError(
            "variable transformations are not supported",
            where=f"{where} > Transformations",
            got=str(content.n_transformations),
            want="0",
            try_="train on the untransformed variables, as the firmware receives them",
        )
    if content.analysis not in (_CLASSIFICATION, _REGRESSION, _MULTICLASS):
        raise InputError("unknown analysis type", where=f"{where} > Weights", got=str(content.analysis))
    if boost != "Grad" and content.analysis != _CLASSIFICATION:
        raise UnsupportedError(
            "a boosted regression computes a weighted median instead of a sum",
            where=where,
            got=f"BoostType {boost}",
            want="Grad",
        )
    n_outputs = content.n_classes if content.analysis == _MULTICLASS else 1
    if len(content.trees) != content.n_trees or n_outputs < 1 or len(content.trees) % n_outputs:
        raise InputError(
            "trees are missing from the weight file",
            where=where,
            got=str(len(content.trees)),
            want=f"{content.n_trees}, a multiple of {n_outputs}",
        )
    total = sum(tree.boost_weight for tree in content.trees)
    if boost != "Grad" and not 0 < total < np.inf:
        raise InputError("the sum of the tree weights is not positive", where=where, got=str(total))


def _leaf_key(content: _Content, boost: str) -> str:
    """The attribute that a leaf answers with. A boolean option is written ``True`` or ``False`` (older files ``1``)."""
    if boost == "Grad":
        return "res"
    yes = content.options.get("UseYesNoLeaf", "True").strip().lower() in ("true", "1", "t", "yes")
    return "nType" if yes else "purity"


def _tree(raw: _RawTree, key: str, share: float, output: int, content: _Content, index: int) -> Tree:
    where = f"{content.where} > tree {index}"
    is_leaf = np.array([not children for children in raw.children], dtype=bool)
    left, right = np.zeros(len(is_leaf), dtype=np.int64), np.zeros(len(is_leaf), dtype=np.int64)
    feature, cut, leaf = np.zeros_like(left), np.zeros(len(is_leaf)), np.zeros((len(is_leaf), 1))
    for row, (node, children) in enumerate(zip(raw.nodes, raw.children, strict=True)):
        place = f"{where} > node {row}"
        if is_leaf[row]:
            leaf[row] = _real(node, key, place) * share
            continue
        if whole_number(node.get("NCoef", 0), f"{place} > NCoef"):
            raise UnsupportedError(
                "oblique cuts on sums of features are not supported",
                where=place,
                got="NCoef > 0",
                want="one variable per cut",
                try_="train with UseFisherCuts=False",
            )
        if len(children) != 2:
            raise InputError("a node has only one child", where=place)
        sides = ("l", "r") if whole_number(node.get("cType", 1), f"{place} > cType") else ("r", "l")
        left[row], right[row] = children[sides[0]], children[sides[1]]
        feature[row] = whole_number(node.get("IVar"), f"{place} > IVar")
        cut[row] = np.float32(_real(node, "Cut", place))
    table = NodeTable(is_leaf, left, right, feature, cut, np.zeros(len(is_leaf), dtype=bool), leaf)
    return grow(table, output=output, n_features=content.n_variables, where=where)


def _real(attributes: dict[str, str], key: str, where: str) -> float:
    try:
        return float(attributes[key])
    except (KeyError, ValueError):
        raise InputError("not a number", where=f"{where} > {key}", got=repr(attributes.get(key))) from None
