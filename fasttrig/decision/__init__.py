"""What a trigger decides from several taggers: shared inputs, cascades, seeds."""
