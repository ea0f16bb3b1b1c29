"""Power over Ethernet: which port gets power, and why another one does not."""
