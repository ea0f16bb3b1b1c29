"""Who did what: the recorder's logs, and the one of them that cannot be changed unnoticed."""
