"""Weight files in TMVA's layout (synthetic: ROOT is not installed), and TMVA's own rules written down once more.

The rules are those of ROOT's sources: ``DecisionTreeNode::GoesRight`` (``x >= cut`` in float32, turned round where
cType is 0), ``DecisionTree::CheckEvent`` and ``MethodBDT::PrivateGetMvaValue``.
"""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree import ElementTree

import numpy as np

Stump = tuple[str, str, str, float, float]
"""IVar, Cut, cType, and the left and right leaf value."""


def tmva_file(
    stumps: Sequence[Stump],
    *,
    boost: str = "Grad",
    analysis: int = 0,
    classes: int = 2,
    weights: Sequence[float] = (),
    yes_no: str = "True",
    head: str = "",
    transformations: int = 0,
    method: str = "BDT::BDTG",
    coefficients: int = 0,
) -> str:
    """One tree of depth one per stump; the leaf value stands in res, purity and nType."""
    trees = "".join(
        f'<BinaryTree type="DecisionTree" boostWeight="{weight!r}" itree="{index}">{_stump(stump, coefficients)}'
        "</BinaryTree>"
        for index, (stump, weight) in enumerate(zip(stumps, weights or [1.0] * len(stumps), strict=True))
    )
    return f"""{head}<?xml version="1.0"?>
<MethodSetup Method="{method}">
  <GeneralInfo><Info name="TMVA Release" value="4.2.1 [262657]"/></GeneralInfo>
  <Options>
    <Option name="BoostType" modified="Yes">{boost}</Option>
    <Option name="UseYesNoLeaf" modified="No">{yes_no}</Option>
    <Option name="MaxDepth" modified="Yes">99</Option>
  </Options>
  <Variables NVar="2">
    <Variable VarIndex="0" Expression="pt" Label="pt" Title="pt" Unit="" Type="F" Min="-8" Max="8"/>
    <Variable VarIndex="1" Expression="eta" Label="eta" Title="eta" Unit="" Type="F" Min="-8" Max="8"/>
  </Variables>
  <Classes NClass="{classes}"/>
  <Transformations NTransformations="{transformations}"/>
  <Weights NTrees="{len(stumps)}" AnalysisType="{analysis}">{trees}</Weights>
</MethodSetup>
"""


def _stump(stump: Stump, coefficients: int) -> str:
    feature, cut, kind, low, high = stump
    common = 'depth="1" NCoef="0" IVar="-1" Cut="0.0e+00" cType="1" rms="0.0"'
    leaves = "".join(
        f'<Node pos="{side}" {common} res="{value!r}" purity="{value!r}" nType="{value!r}"/>'
        for side, value in (("l", low), ("r", high))
    )
    head = f'<Node pos="s" depth="0" NCoef="{coefficients}" IVar="{feature}" Cut="{cut}" cType="{kind}"'
    return f'{head} res="0" rms="0" purity="0.5" nType="0">{leaves}</Node>'


def tmva_value(text: str, event: Sequence[float], key: str, output: int = 0, n_outputs: int = 1) -> float:
    """The sum (gradient boost) or the weighted mean of leaves that TMVA computes, for one event."""
    trees = list(ElementTree.fromstring(text.strip()).find("Weights"))[output::n_outputs]  # type: ignore[arg-type]
    total = norm = 0.0
    for tree in trees:
        node = tree[0]
        while len(node):
            selects = np.float32(event[int(node.get("IVar", ""))]) >= np.float32(float(node.get("Cut", "")))
            goes_right = selects if node.get("cType") == "1" else not selects
            node = next(child for child in node if child.get("pos") == ("r" if goes_right else "l"))
        weight = 1.0 if key == "res" else float(tree.get("boostWeight", ""))
        total, norm = total + weight * float(node.get(key, "")), norm + weight
    return total if key == "res" else total / norm
