"""The schedule `streamed`: the positions of an event enter one after the other, each stage computes one at a time."""
