"""scikit-learn's tree models, live objects only: (hist) gradient boosting, forests, AdaBoost, single trees."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from fasttrig.base.errors import UnsupportedError, near_names
from fasttrig.base.fixed import FloatArray
from fasttrig.frontends.trees.ensemble import Ensemble, InputFormat, Link, SplitRule, Tree
from fasttrig.frontends.trees.grow import NodeTable, grow

_LOSS_LINKS = {
    "HalfBinomialLoss": (Link.LOGISTIC, 1.0),
    "ExponentialLoss": (Link.LOGISTIC, 2.0),  # predict_proba is expit(2 * raw).
    "HalfMultinomialLoss": (Link.SOFTMAX, 1.0),
    "HalfPoissonLoss": (Link.EXP, 1.0),
    "HalfGammaLoss": (Link.EXP, 1.0),
    "HalfTweedieLoss": (Link.EXP, 1.0),
    "HalfSquaredError": (Link.NONE, 1.0),
    "AbsoluteError": (Link.NONE, 1.0),
    "HuberLoss": (Link.NONE, 1.0),
    "PinballLoss": (Link.NONE, 1.0),
}


FeatureColumns: TypeAlias = Sequence[int]


@dataclass(frozen=True, slots=True)
class _Parts:
    """What one kind of model contributes to an `Ensemble`."""

    trees: Sequence[Tree]
    base_margin: FloatArray
    objective: str
    n_classes: int
    rounds: int
    link: Link = Link.NONE
    link_scale: float = 1.0
    input_format: InputFormat = "float32"


def is_sklearn(source: Any) -> bool:
    """Whether `source` is a live scikit-learn estimator."""
    return type(source).__module__.partition(".")[0] == "sklearn" and hasattr(source, "get_params")


def read_live(model: Any) -> Ensemble:
    """A fitted estimator of one of the kinds in `KINDS`.

    Raises
    ------
    UnsupportedError
        For other estimators, several classification targets, categorical splits, AdaBoostRegressor (a weighted median
        is not a sum), initial predictions that depend on the event, and models that are not fitted.
    """
    kind = type(model).__name__
    where = f"sklearn.{kind}"
    if kind not in KINDS:
        raise UnsupportedError(
            "this tree model is not a sum of trees",
            where=where,
            got=kind,
            want="a model that adds the leaves of its trees",
            try_="AdaBoostRegressor computes a weighted median instead of a sum: use GradientBoostingRegressor"
            if kind == "AdaBoostRegressor"
            else near_names(kind, KINDS),
        )
    if not hasattr(model, "n_features_in_"):
        raise UnsupportedError("the model is not fitted", where=where, try_="call fit first")
    import sklearn

    parts = KINDS[kind](model, where)
    return Ensemble(
        library=f"scikit-learn {sklearn.__version__} {kind}",
        origin=where,
        objective=parts.objective,
        n_features=int(model.n_features_in_),
        feature_names=tuple(map(str, getattr(model, "feature_names_in_", ()))),
        n_classes=parts.n_classes,
        trees=tuple(parts.trees),
        base_margin=np.asarray(parts.base_margin, dtype=np.float64),
        split_rule=SplitRule.LE,
        input_format=parts.input_format,
        link=parts.link,
        link_scale=parts.link_scale,
        rounds_used=parts.rounds,
        rounds_stored=parts.rounds,
    )


def _tree(
    model: Any,
    leaf: FloatArray,
    where: str,
    output: int = 0,
    features: FeatureColumns | None = None,
    n_features: int = 0,
) -> Tree:
    """A ``DecisionTree*``'s nodes with other leaf values, shape (n_rows, n_targets).

    `features` are the columns that the tree was given, of `n_features`; None: all.
    """
    inner = model.tree_
    feature = np.asarray(inner.feature)
    if features is not None:
        feature = np.where(feature < 0, feature, np.asarray(features)[np.maximum(feature, 0)])
    table = NodeTable(
        is_leaf=np.asarray(inner.children_left == -1),
        left=np.asarray(inner.children_left),
        right=np.asarray(inner.children_right),
        feature=feature,
        threshold=np.asarray(inner.threshold, dtype=np.float64),
        default_left=_missing_go_left(inner),
        leaf=leaf,
    )
    return grow(table, output=output, n_features=n_features or int(model.n_features_in_), where=where)


def _missing_go_left(inner: Any) -> Any:
    """Since scikit-learn 1.3; before, NaN was refused."""
    found = getattr(inner, "missing_go_to_left", None)
    return np.zeros(inner.node_count, dtype=bool) if found is None else np.asarray(found, dtype=bool)


def _classes(model: Any, where: str) -> int:
    if not np.isscalar(model.n_classes_) and np.ndim(model.n_classes_):
        raise UnsupportedError(
            "the model has several classification targets",
            where=where,
            got=f"{len(model.n_classes_)} targets",
            want="one",
            try_="convert one model per target",
        )
    if int(model.n_classes_) < 2:
        raise UnsupportedError("the classifier has a single class", where=where, want="two or more classes")
    return int(model.n_classes_)


def _leaf_values(model: Any, where: str) -> FloatArray:
    """Means of a regression, shape (n_rows, n_targets); of a classifier the fractions of classes (of two, the second).

    scikit-learn stored counts until 1.2 and fractions since; ``predict_proba`` normalised both.
    """
    value = np.asarray(model.tree_.value, dtype=np.float64)
    if not hasattr(model, "classes_"):
        return value[:, :, 0]
    _classes(model, where)
    fractions = value[:, 0, :] / value[:, 0, :].sum(axis=1, keepdims=True)
    return fractions[:, 1:] if fractions.shape[1] == 2 else fractions


def _one_tree(model: Any, where: str) -> _Parts:
    tree = _tree(model, _leaf_values(model, where), where)
    n_classes = _classes(model, where) if hasattr(model, "classes_") else 0
    return _Parts([tree], np.zeros(tree.n_targets), str(model.criterion), n_classes, 1, _fraction_link(n_classes))


def _average(model: Any, where: str) -> _Parts:
    """A forest: each leaf divided by the number of trees."""
    n_classes = _classes(model, where) if hasattr(model, "classes_") else 0
    members = model.estimators_
    trees = []
    for index, member in enumerate(members):
        place = f"{where} > tree {index}"
        leaf = _leaf_values(member, place) if n_classes else np.asarray(member.tree_.value, dtype=np.float64)[:, :, 0]
        trees.append(_tree(member, leaf / len(members), place))
    start, link = np.zeros(trees[0].n_targets), _fraction_link(n_classes)
    return _Parts(trees, start, str(model.criterion), n_classes, len(members), link)


def _bagging(model: Any, where: str) -> _Parts:
    """Decision trees on samples of events and of features; the mean of their fractions or values."""
    n_classes = _classes(model, where) if hasattr(model, "classes_") else 0
    trees = []
    for index, (member, features) in enumerate(_members(model, where)):
        place = f"{where} > tree {index}"
        if n_classes and len(member.classes_) != n_classes:
            raise UnsupportedError(
                "a tree has not seen every class", where=place, got=f"{len(member.classes_)} of {n_classes} classes"
            )
        leaf = _leaf_values(member, place) / len(model.estimators_)
        trees.append(_tree(member, leaf, place, features=features, n_features=int(model.n_features_in_)))
    start = np.zeros(trees[0].n_targets)
    return _Parts(trees, start, "mean", n_classes, len(trees), _fraction_link(n_classes))


def _isolation(model: Any, where: str) -> _Parts:
    """Minus the mean path length over that of a random tree; 2 to its power is minus ``score_samples``.

    Liu, Ting, Zhou, ICDM 2008, eqs. 1 and 2: a leaf of n samples stands for a random tree of them.
    """
    unit = len(model.estimators_) * float(_random_path(np.array([model.max_samples_]))[0])
    trees = []
    for index, (member, features) in enumerate(_members(model, where)):
        inner = member.tree_
        depth = np.zeros(inner.node_count)
        for parent in np.flatnonzero(inner.children_left != -1):  # a parent stands before its children
            depth[[inner.children_left[parent], inner.children_right[parent]]] = depth[parent] + 1
        leaf = -(depth + _random_path(np.asarray(inner.n_node_samples)))[:, None] / unit
        place = f"{where} > tree {index}"
        trees.append(_tree(member, leaf, place, features=features, n_features=int(model.n_features_in_)))
    return _Parts(trees, np.zeros(1), "isolation", 0, len(trees), Link.EXP, float(np.log(2.0)))


def _random_path(n_samples: Any) -> FloatArray:
    """Mean path length of an unsuccessful search in a random binary tree of `n_samples`; same shape."""
    n = np.maximum(np.asarray(n_samples, dtype=np.float64), 3.0)
    many = 2.0 * (np.log(n - 1.0) + np.euler_gamma) - 2.0 * (n - 1.0) / n
    return np.asarray(np.where(n_samples <= 1, 0.0, np.where(n_samples == 2, 1.0, many)))


def _members(model: Any, where: str) -> list[tuple[Any, FeatureColumns]]:
    """The trees, and which features each was given."""
    for index, member in enumerate(model.estimators_):
        if not hasattr(member, "tree_"):
            raise UnsupportedError(
                "an estimator of the bag is not a decision tree",
                where=f"{where} > {index}",
                got=type(member).__name__,
                want="DecisionTree or ExtraTree",
            )
    return list(zip(model.estimators_, model.estimators_features_, strict=True))


def _fraction_link(n_classes: int) -> Link:
    """Fractions of two classes are one output: the second's."""
    return Link.PROBABILITY if n_classes == 2 else Link.NONE


def _gradient_boosting(model: Any, where: str) -> _Parts:
    stages = np.asarray(model.estimators_, dtype=object)
    trees = [
        _tree(member, np.asarray(member.tree_.value)[:, :, 0] * model.learning_rate, f"{where} > stage {stage}", output)
        for stage, members in enumerate(stages)
        for output, member in enumerate(members)
    ]
    link, scale = _loss_link(model._loss, where)
    n_classes = _classes(model, where) if hasattr(model, "classes_") else 0
    return _Parts(trees, _start(model, where), str(model.loss), n_classes, len(stages), link, scale)


def _start(model: Any, where: str) -> FloatArray:
    """What the sums start from: measured on several events, since `init` may be any estimator."""
    rng = np.random.default_rng(0)
    x = np.concatenate([np.zeros((1, model.n_features_in_)), rng.normal(scale=1e3, size=(15, model.n_features_in_))])
    start = np.asarray(model._raw_predict_init(x.astype(np.float32)), dtype=np.float64)
    known = isinstance(model.init_, str) or type(model.init_).__name__.startswith("Dummy")
    if not known or (start != start[0]).any():
        raise UnsupportedError(
            "the initial prediction depends on the event",
            where=f"{where} > init",
            got=type(model.init_).__name__,
            want="the default init, or 'zero'",
        )
    return start[0]


def _loss_link(loss: Any, where: str) -> tuple[Link, float]:
    name = type(loss).__name__
    if name not in _LOSS_LINKS:
        raise UnsupportedError("unknown loss", where=f"{where} > loss", got=name, try_=near_names(name, _LOSS_LINKS))
    return _LOSS_LINKS[name]


def _hist_gradient_boosting(model: Any, where: str) -> _Parts:
    if getattr(model, "_preprocessor", None) is not None or np.any(getattr(model, "is_categorical_", None)):
        raise UnsupportedError(
            "categorical splits are not supported",
            where=f"{where} > categorical_features",
            want="numerical features only",
            try_="one-hot encode the feature before training",
        )
    trees = [
        _hist_tree(predictor.nodes, f"{where} > iteration {round_}", output, int(model.n_features_in_))
        for round_, predictors in enumerate(model._predictors)
        for output, predictor in enumerate(predictors)
    ]
    link, scale = _loss_link(model._loss, where)
    n_classes = len(model.classes_) if hasattr(model, "classes_") else 0
    start = np.asarray(model._baseline_prediction, dtype=np.float64).reshape(-1)
    return _Parts(trees, start, str(model.loss), n_classes, len(model._predictors), link, scale, "float64")


def _hist_tree(nodes: Any, where: str, output: int, n_features: int) -> Tree:
    is_leaf = nodes["is_leaf"].astype(bool)
    if nodes["is_categorical"][~is_leaf].any():
        raise UnsupportedError("categorical splits are not supported", where=where)
    table = NodeTable(
        is_leaf=is_leaf,
        left=nodes["left"].astype(np.int64),
        right=nodes["right"].astype(np.int64),
        feature=nodes["feature_idx"].astype(np.int64),
        threshold=nodes["num_threshold"].astype(np.float64),
        default_left=nodes["missing_go_to_left"].astype(bool),
        leaf=nodes["value"].astype(np.float64)[:, None],
    )
    return grow(table, output=output, n_features=n_features, where=where)


def _adaboost(model: Any, where: str) -> _Parts:
    """SAMME: each tree votes with its weight for one class, and with ``-weight / (n_classes - 1)`` for the others."""
    if getattr(model, "algorithm", "SAMME") == "SAMME.R":
        raise UnsupportedError(
            "SAMME.R adds logarithms of probabilities instead of leaf values",
            where=f"{where} > algorithm",
            got="SAMME.R",
            want="SAMME",
        )
    n_classes = _classes(model, where)
    members = model.estimators_
    weights = np.asarray(model.estimator_weights_, dtype=np.float64)[: len(members)]
    total = np.asarray(model.estimator_weights_, dtype=np.float64).sum()
    trees = []
    for index, (member, weight) in enumerate(zip(members, weights / total, strict=True)):
        place = f"{where} > tree {index}"
        if not hasattr(member, "tree_"):
            raise UnsupportedError("a boosted estimator is not a decision tree", where=place, got=type(member).__name__)
        trees.append(_tree(member, _votes(model, member, weight), place))
    scale = 1.0 if n_classes == 2 else 1.0 / (n_classes - 1)
    link = Link.LOGISTIC if n_classes == 2 else Link.SOFTMAX
    return _Parts(trees, np.zeros(trees[0].n_targets), "SAMME", n_classes, len(members), link, scale)


def _votes(model: Any, member: Any, weight: float) -> FloatArray:
    """Shape (n_rows, 1) for two classes: plus or minus the weight; (n_rows, n_classes) for more."""
    chosen = member.classes_[np.argmax(member.tree_.value[:, 0, :], axis=1)]
    is_class = chosen[:, None] == np.asarray(model.classes_)
    votes = np.where(is_class, weight, -weight / (len(model.classes_) - 1))
    if len(model.classes_) > 2:
        return votes
    return votes[:, 1:] - votes[:, :1]


KINDS: dict[str, Callable[[Any, str], _Parts]] = {
    **dict.fromkeys(("DecisionTreeClassifier", "DecisionTreeRegressor"), _one_tree),
    **dict.fromkeys(("ExtraTreeClassifier", "ExtraTreeRegressor"), _one_tree),
    **dict.fromkeys(("RandomForestClassifier", "RandomForestRegressor"), _average),
    **dict.fromkeys(("ExtraTreesClassifier", "ExtraTreesRegressor"), _average),
    **dict.fromkeys(("GradientBoostingClassifier", "GradientBoostingRegressor"), _gradient_boosting),
    **dict.fromkeys(("HistGradientBoostingClassifier", "HistGradientBoostingRegressor"), _hist_gradient_boosting),
    "AdaBoostClassifier": _adaboost,
    **dict.fromkeys(("BaggingClassifier", "BaggingRegressor"), _bagging),
    "IsolationForest": _isolation,
}
