"""The archive: a copy of finished segments in another place, and the ledger of what is proven to be there."""
