"""Rules: what is done when something holds or happens."""
