"""The settings: one module a section, their store, and the list of them all in `sections`."""
