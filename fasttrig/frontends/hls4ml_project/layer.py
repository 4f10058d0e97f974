"""One call of a layer, with all that its lowering asks for: operands, weights, settings, types, bodies of functions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fasttrig.base.errors import UnsupportedError
from fasttrig.base.fixed import FixedType, IntArray, Overflow, Rounding
from fasttrig.frontends.hls4ml_project.configuration import ConfigStruct, Declarations, unknown_setting
from fasttrig.frontends.hls4ml_project.cpp import spelt
from fasttrig.frontends.hls4ml_project.definitions import ProjectHeaders
from fasttrig.frontends.hls4ml_project.expressions import ConstantNumber, UnknownExpressionError, evaluate_constant
from fasttrig.frontends.hls4ml_project.program import CppArray, CppCall, TopFunction
from fasttrig.frontends.hls4ml_project.weights import ProjectWeights
from fasttrig.frontends.trees.conifer_types import CppType
from fasttrig.ir.builder import GraphBuilder
from fasttrig.ir.ops import Const, Value

WITHOUT_EFFECT = frozenset(
    {
        *("io_type", "strategy", "reuse_factor", "n_zeros", "n_nonzeros", "multiplier_limit", "store_weights_in_bram"),
        *("index_t", "table_size", "table_t", "n_scale_bias", "parallelization_factor", "axis"),
    }
)
"""Settings that change how a layer is built, or that the layer does not read: never a number."""


@dataclass(slots=True)
class ProjectReading:
    """What was read of a project, and the graph as far as it is built; `values` are the arrays written so far."""

    top: TopFunction
    declared: Declarations
    weights: ProjectWeights
    headers: ProjectHeaders
    builder: GraphBuilder
    values: dict[str, Value]
    written: list[str]


@dataclass(frozen=True, slots=True)
class ProjectLayer:
    """A call whose last template argument is its configuration and whose arguments start with operands and result."""

    reading: ProjectReading
    call: CppCall
    n_operands: int = 1

    @property
    def config(self) -> ConfigStruct:
        name = spelt(self.call.template_arguments[-1])
        if name not in self.reading.declared.configs:
            raise self.refusal("no configuration of this name", name)
        return self.reading.declared.configs[name]

    @property
    def origin(self) -> str:
        """``project > myproject.cpp:75 > nnet::dense<config2>``."""
        top = self.reading.top
        place = f"{top.source.path.name}:{self.call.line}"
        return f"{top.name} > {place} > {self.call.function}<{self.config.name}>"

    def refusal(self, what: str, got: str = "", want: str = "") -> UnsupportedError:
        """The refusal of this call."""
        where = f"{self.reading.top.source.path}:{self.call.line}: {spelt(self.call.words)[:200]}"
        return UnsupportedError(what, where=where, got=got, want=want)

    def array(self, place: int) -> CppArray:
        """The array that an argument names."""
        if place >= len(self.call.arguments):
            raise self.refusal("an argument is missing", want=f"more than {place}")
        name = self.reading.top.resolved(spelt(self.call.arguments[place]))
        if name not in self.reading.top.arrays:
            raise self.refusal("an argument that is no array of the function", name)
        return self.reading.top.arrays[name]

    def operand(self, place: int = 0, size: int | None = None) -> Value:
        """The value of an argument that the call reads; `size`: how many elements it reads."""
        array = self.array(place)
        if array.name not in self.reading.values:
            raise self.refusal(f"'{array.name}' is read before anything is written to it")
        self._is_of_type(place, array)
        if size is not None and array.size != size:
            raise self.refusal(f"'{array.name}' has not the size that the layer reads", str(array.size), str(size))
        return self.reading.values[array.name]

    @property
    def result(self) -> CppArray:
        """The array that the call writes."""
        array = self.array(self.n_operands)
        self._is_of_type(self.n_operands, array)
        return array

    def _is_of_type(self, place: int, array: CppArray) -> None:
        """Raise unless the template argument names the type of the array."""
        found = self.reading.declared.type_of(self.reading.top.source, self.call.template_arguments[place], {})
        if found != array.type:
            raise self.refusal(f"'{array.name}' is of another type", found.text, array.type.text)

    def write(self, value: Value, size: int) -> None:
        """Let the result array hold `value`.

        Raises
        ------
        UnsupportedError
            If the array has another size or type, or was written before.
        """
        array = self.result
        if array.size != size or value.size != size:
            raise self.refusal(f"'{array.name}' has not the size that the layer writes", str(array.size), str(size))
        if array.name in self.reading.values:
            raise self.refusal(f"'{array.name}' is written a second time", want="one write for each array")
        self.reading.values[array.name] = value
        self.reading.written.append(array.name)

    def write_cast(self, value: Value, size: int | None = None) -> None:
        """Cast to the result's type, as ``res[i] = value`` does, and write."""
        self.write(self.cast(value, self.result.type, ""), value.size if size is None else size)

    def name(self, part: str) -> str:
        """A name for a value on the way to the result; without `part`, for the result."""
        return f"{self.result.name}_{part}" if part else self.result.name

    def cast(self, value: Value, target: CppType, part: str) -> Value:
        """`value` as a variable of type `target` holds it."""
        return self.fixed_cast(value, fixed_of(target), target.rounding, target.overflow, part)

    def fixed_cast(self, value: Value, target: FixedType, rounding: Rounding, overflow: Overflow, part: str) -> Value:
        return self.reading.builder.cast(self.name(part), value, target, rounding, overflow, origin=self.origin)

    def number(self, name: str) -> ConstantNumber:
        """A setting that is a number."""
        config = self.config
        if name not in config.constants:
            raise unknown_setting(config, name)
        try:
            return evaluate_constant(config.constants[name], self._constant)
        except UnknownExpressionError:
            raise unknown_setting(config, name, "an expression of numbers and sizes") from None

    def _constant(self, name: str) -> ConstantNumber:
        sizes = self.reading.declared.sizes
        if name in self.config.constants and name not in sizes:
            return self.number(name)
        if name not in sizes:
            raise UnknownExpressionError
        return sizes[name]

    def whole(self, name: str) -> int:
        """A setting that is a whole number."""
        found = self.number(name)
        if not isinstance(found, int):
            raise unknown_setting(self.config, name, "a whole number")
        return found

    def type(self, name: str) -> CppType:
        """A setting that is a fixed-point type."""
        config = self.config
        if name not in config.types:
            raise unknown_setting(config, name)
        return self.reading.declared.type_of(config.source, config.types[name], config.types)

    def word(self, name: str) -> str:
        """A setting as it is spelt, without the arguments of a template: ``nnet::product::mult``."""
        config = self.config
        words = config.types.get(name) or config.constants.get(name)
        if not words:
            raise unknown_setting(config, name)
        return spelt(words).split("<")[0]

    def weights(self, place: int, of_type: CppType, *shape: int) -> IntArray:
        """Raw integers of the weights that an argument names, in `shape`."""
        name = spelt(self.call.arguments[place]) if place < len(self.call.arguments) else ""
        found = self.reading.weights
        if not all(name in given for given in found.given.values()):
            raise self.refusal(
                "an argument that is no array of weights with numbers, in synthesis and simulation", name
            )
        if found.types[name] != of_type:
            raise self.refusal(f"weights '{name}' of another type", found.types[name].text, of_type.text)
        if found.sizes[name] != int(np.prod(shape)):
            raise self.refusal(f"a wrong number of weights in '{name}'", str(found.sizes[name]), str(shape))
        return found.raw[name].reshape(shape)

    def const(self, part: str, of_type: FixedType, raw: IntArray) -> Const:
        return Const(self.name(part), of_type, raw)

    def understands(self, *settings: str, bodies: tuple[str, ...]) -> None:
        """Raise where the configuration says something else than `settings`, or a body in the headers is unknown."""
        config = self.config
        for name in [*config.constants, *config.types]:
            if name not in settings and name not in WITHOUT_EFFECT:
                raise unknown_setting(config, name, ", ".join(settings))
        self.reading.headers.require(bodies)

    def takes(self, n_templates: int, n_arguments: int) -> None:
        """Raise unless the call has so many template arguments and arguments."""
        got = (len(self.call.template_arguments), len(self.call.arguments))
        if got != (n_templates, n_arguments):
            raise self.refusal("another form of this call", str(got), str((n_templates, n_arguments)))


def fixed_of(of_type: CppType) -> FixedType:
    """The fixed-point type of an ``ap_`` type."""
    assert of_type.fixed is not None
    return of_type.fixed
