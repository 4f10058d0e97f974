"""Keras layers for sets and graphs of particles, where Keras has none: saved and read like any other layer.

    from fasttrig.layers import BestIndices, MaxOver, SumOver, Take, TakeBy, pairs

`Take` selects entries of an axis by a fixed index: senders and receivers of the edges of a graph. `SumOver` and
`MaxOver` reduce an axis. `BestIndices` finds the nearest neighbours of a distance or the order of a sort, `TakeBy` the
objects at such indices. Shapes leave out the event axis; axis 0 is the first one after it. Importing this module loads
TensorFlow with Keras 2, which QKeras needs.
"""

from fasttrig.reference.set_layers import BestIndices, MaxOver, SumOver, Take, TakeBy, pairs

__all__ = ["BestIndices", "MaxOver", "SumOver", "Take", "TakeBy", "pairs"]
