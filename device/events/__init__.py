"""Events: what the recorder says, to itself and on every wire."""
