"""Keras layers for sets and graphs of particles, where Keras has none: saved and read like any other layer.

    from fasttrig.layers import MaxOver, SumOver, Take, pairs

`Take` selects entries of an axis by a fixed index: senders and receivers of the edges of a graph. `SumOver` and
`MaxOver` reduce an axis. Shapes leave out the event axis; axis 0 is the first one after it. Importing this module loads
TensorFlow with Keras 2, which QKeras needs.
"""

from fasttrig.reference.set_layers import MaxOver, SumOver, Take, pairs

__all__ = ["MaxOver", "SumOver", "Take", "pairs"]
