"""The canvas and the mixed blocks to packets."""
