"""Dead letters: stored, grouped, replayed or discarded."""
