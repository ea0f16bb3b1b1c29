"""The recorder. It knows nothing about wires: every protocol is a projection of what is here."""
