"""Resources and latency before any vendor tool runs.

``fasttrig.estimate(layers=[...])`` calls `estimate.estimate` (a description); `from_graph.from_graph` takes a graph.
"""

from fasttrig.base.callable_package import make_callable

make_callable(__name__)
