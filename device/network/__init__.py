"""The network of the recorder's machine: how it is, and who sets it up."""
