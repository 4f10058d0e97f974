"""Resources and latency before any vendor tool runs.

``fasttrig.estimate(layers=[...])`` is `estimate.estimate` (a description), `from_graph.from_graph` takes a graph: this
package is a folder of the pipeline and, called, the public function of the same name.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any


class _CallablePackage(ModuleType):
    """The package, callable as its own main function."""

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        from fasttrig.estimate.estimate import estimate

        return estimate(*arguments, **options)


sys.modules[__name__].__class__ = _CallablePackage
