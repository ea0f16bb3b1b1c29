"""The archive: finished segments in another place, copied or moved, and the ledger of what is proven to be there."""
