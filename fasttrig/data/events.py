"""The events that a user hands to Python: frames by name, arrays by position; only plain real numbers pass."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from fasttrig.base.errors import DataError, near_names
from fasttrig.base.fixed import NumberArray

Shapes: TypeAlias = Mapping[str, tuple[int, ...]]
"""Shape of one event of each input, by the input's name."""

Arrays: TypeAlias = dict[str, NumberArray | list[NumberArray]]
"""Per input an array of shape (n_events, *shape), or its numbers as columns of shape (n_events,), never stacked."""

_REFUSED_KINDS = {
    "c": "complex numbers",
    "M": "dates",
    "m": "time differences",
    "S": "text",
    "U": "text",
    "T": "text",
    "V": "records",
}


def arrays_of(x: Any, shapes: Shapes, names: Sequence[str]) -> Arrays:
    """The numbers of each input.

    Parameters
    ----------
    x : array, or anything with named columns
        An array of shape (n_events, *shape) goes by position. Mappings, structured arrays, and frames and tables of
        pandas, polars and pyarrow are matched by name, in any order: one name per input (an array of its shape), or
        one per number of the single input.
    shapes : mapping of input name to shape
    names : sequence of str
        Names of the numbers of all inputs, in their order; empty: ``<input>_0``, ``<input>_1``, ... of each input.

    Raises
    ------
    DataError
        For a missing or an unknown name, columns of different lengths, and numbers that are masked, missing, complex,
        or no numbers.
    """
    columns = _columns(x)
    if columns is None:
        if len(shapes) != 1 or len(next(iter(shapes.values()))) != 1:
            rows = _rows(x, shapes, names)
            if rows is not None:
                return rows
        if len(shapes) != 1:
            raise DataError("this design has several inputs", got="one array", want=f"a mapping with {_list(shapes)}")
        name = next(iter(shapes))
        return {name: numbers(x, f"input '{name}'")}
    found_names, column = columns
    if set(found_names) & set(shapes) and not set(names) & (set(found_names) - set(shapes)):
        whole = {name: numbers(column(name), f"input '{name}'") for name in found_names if name in shapes}
        if not _are_columns(whole, shapes, names):
            _check_names(found_names, tuple(shapes), "input")
            return dict(whole)
    return _by_column(found_names, column, shapes, names)


def _rows(x: Any, shapes: Shapes, names: Sequence[str]) -> Arrays | None:
    """An array of all features, (n_events, n_features), split over the inputs; None where `x` is none."""
    if not names or np.ndim(x) != 2 or np.shape(x)[1] != len(names):
        return None
    flat, made, first = numbers(x, "the features"), Arrays(), 0
    for name, shape in shapes.items():
        size = int(np.prod(shape, dtype=np.int64))
        made[name] = flat[:, first : first + size].reshape(-1, *shape)
        first += size
    return made


def numbers(x: Any, where: str) -> NumberArray:
    """`x` as an array of integers, booleans or floats, not copied where it is one; see `arrays_of`."""
    _refuse_masked(x, where)
    _refuse_missing(x, where)
    try:
        array = _plain_array(x)
    except (ValueError, TypeError, NotImplementedError) as error:
        raise DataError(
            "the events are not an array of numbers",
            where=where,
            got=f"{type(x).__name__}: {error}",
            want="numbers of one shape for all events",
        ) from None
    if array.dtype.kind == "O":
        return _numbers_of_objects(array, where)
    if array.dtype.kind not in "biuf":
        kind = _REFUSED_KINDS.get(array.dtype.kind, "something else")
        raise DataError(
            f"the events contain {kind}, not real numbers",
            where=where,
            got=f"dtype {array.dtype}",
            want="integers or floats",
            try_="pass the real and imaginary parts as separate features" if array.dtype.kind == "c" else "",
        )
    return array


def stacked(columns: Sequence[NumberArray], dtype: npt.DTypeLike) -> NumberArray:
    """Columns side by side: shape (n_events, n_columns)."""
    made = np.empty((len(columns[0]), len(columns)), dtype)
    for index, column in enumerate(columns):
        made[:, index] = column
    return made


def _columns(x: Any) -> tuple[list[str], Callable[[str], Any]] | None:
    """Names of `x` and how to get what one names; None where `x` has no names."""
    if isinstance(x, Mapping):
        return _names(x), lambda name: x[name]
    if isinstance(x, np.ndarray):
        return None if x.dtype.names is None else (_names(x.dtype.names), lambda name: x[name])
    if hasattr(x, "column_names") and hasattr(x, "column"):  # pyarrow's tables
        return _names(x.column_names), lambda name: x.column(name)
    if hasattr(x, "schema") and hasattr(x, "column"):  # pyarrow's record batches
        return _names(x.schema.names), lambda name: x.column(name)
    if hasattr(x, "columns") and hasattr(x, "__getitem__"):  # frames of pandas and polars
        return _names(x.columns), lambda name: x[name]
    return None


def _names(given: Any) -> list[str]:
    found = list(given)
    for name in found:
        if not isinstance(name, str):
            raise DataError(
                "a column has no name",
                got=f"label {name!r}",
                want="columns named like the features: frames and mappings go by name",
                try_="x.to_numpy(), for columns in the model's order",
            )
    twice = sorted({name for name in found if found.count(name) > 1}) if len(set(found)) < len(found) else []
    if twice:
        raise DataError("two columns have the same name", got=_list(twice))
    return found


def _are_columns(whole: Mapping[str, NumberArray], shapes: Shapes, names: Sequence[str]) -> bool:
    """Whether an input's name here is the name of a feature: a feature may be called like its input."""
    return all(name in names and array.ndim == 1 for name, array in whole.items() if shapes[name])


def _by_column(found: Sequence[str], column: Callable[[str], Any], shapes: Shapes, names: Sequence[str]) -> Arrays:
    sizes = {name: int(np.prod(shape, dtype=np.int64)) for name, shape in shapes.items()}
    wanted = {name: [f"{name}_{index}" for index in range(size)] for name, size in sizes.items()}
    if names:
        left = iter(names)
        wanted = {name: [next(left) for _ in group] for name, group in wanted.items()}
    _check_names(found, tuple(name for group in wanted.values() for name in group), "feature")
    arrays: Arrays = {}
    for name, group in wanted.items():
        parts = [numbers(column(part), f"column '{part}'") for part in group]
        for part, array in zip(group, parts, strict=True):
            if array.ndim != 1 or len(array) != len(parts[0]):
                raise DataError(
                    "every feature needs one number per event, and all features the same number of events",
                    where=f"column '{part}'",
                    got=f"shape {array.shape}",
                    want=f"({len(parts[0]) if parts[0].ndim else 'n_events'},)",
                )
        if len(shapes[name]) == 1:
            arrays[name] = parts
        else:
            dtype = np.result_type(*parts) if parts else np.dtype(np.float64)
            arrays[name] = stacked(parts, dtype).reshape(-1, *shapes[name])
    return arrays


def _check_names(found: Sequence[str], wanted: Sequence[str], kind: str) -> None:
    missing = [name for name in wanted if name not in set(found)]
    extra = [name for name in found if name not in set(wanted)]
    if missing:
        raise DataError(
            f"{kind}s are missing: columns are matched by name",
            got=_list(found),
            want=f"also {_list(missing)}",
            try_=near_names(missing[0], extra or found) if found else "",
        )
    if extra:
        raise DataError(
            f"columns that are no {kind} of this design",
            got=_list(extra),
            want=f"only {_list(wanted)}",
            try_=f"choose the {kind}s first; {near_names(extra[0], wanted)}",
        )


def _list(names: Any, most: int = 24) -> str:
    listed = list(names)
    return ", ".join(listed[:most]) + (f", and {len(listed) - most} more" if len(listed) > most else "")


def _refuse_masked(x: Any, where: str) -> None:
    """NumPy drops the mask of a masked array, and of those inside lists, without a word."""
    if isinstance(x, np.ma.MaskedArray):
        if np.ma.is_masked(x):
            raise DataError(
                "masked numbers",
                where=where,
                got=f"{int(np.sum(np.ma.getmaskarray(x))):,} masked of {x.size:,}",
                want="numbers without a mask",
                try_="x.filled(number), or drop these events",
            )
        return
    if isinstance(x, list | tuple):
        for part in x:
            if isinstance(part, list | tuple | np.ma.MaskedArray):
                _refuse_masked(part, where)


def _refuse_missing(x: Any, where: str) -> None:
    """Missing values of pandas', polars' and pyarrow's columns, which their conversions turn into NaN or worse."""
    n_missing = 0
    if hasattr(x, "null_count"):
        n_missing = x.null_count() if callable(x.null_count) else x.null_count
    elif hasattr(x, "isna") and hasattr(x, "to_numpy"):
        dtype = getattr(x, "dtype", None)
        by_numpy = isinstance(dtype, np.dtype) and dtype.kind in "biuf"  # NaN there is found where it is quantised
        n_missing = 0 if by_numpy else int(np.sum(x.isna().to_numpy()))
    if n_missing:
        raise DataError(
            "missing values",
            where=where,
            got=f"{n_missing} of {len(x)}",
            want="a number for every event",
            try_="drop or impute these events",
        )


def _plain_array(x: Any) -> NumberArray:
    type_ = getattr(x, "type", None)
    if (
        hasattr(x, "null_count") and type_ is not None and hasattr(type_, "list_size")
    ):  # pyarrow's lists of fixed length
        flat = x.combine_chunks() if hasattr(x, "combine_chunks") else x
        parts = flat.chunks if hasattr(flat, "chunks") else [flat]
        return np.concatenate([np.asarray(part.flatten()).reshape(len(part), type_.list_size) for part in parts])
    if hasattr(x, "to_numpy") and not hasattr(x, "columns"):
        return np.asarray(x.to_numpy())
    return np.asarray(np.ma.getdata(x) if isinstance(x, np.ma.MaskedArray) else x)


def _numbers_of_objects(array: NumberArray, where: str) -> NumberArray:
    """Python's integers (kept, for they may be wider than 64 bits) or floats; the first other object is refused."""
    for place, item in _items(array):
        if isinstance(item, bool | np.bool_ | int | np.integer | float | np.floating):
            continue
        at = f"{where}, element {place}"
        raise DataError(
            "the events contain a value that is not a real number",
            where=at,
            got=f"{type(item).__name__} {str(item)[:60]!r}",
            want="integers or floats",
            try_="drop or impute these events" if item is None else "",
        )
    if all(isinstance(item, bool | np.bool_ | int | np.integer) for _, item in _items(array)) and array.size:
        return array
    return array.astype(np.float64)


def _items(array: NumberArray) -> Iterator[tuple[tuple[int, ...], Any]]:
    return iter(np.ndenumerate(array))
