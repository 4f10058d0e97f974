"""From a design to a verified firmware project on disk. ``fasttrig.build(design)`` calls `build.build`."""

from fasttrig.base.callable_package import make_callable

make_callable(__name__)
