-- Version 2: segments that were moved to an archive. `archive` 1: the volume is a folder of a share, its `uuid` that
-- folder's identity; nothing is ever written to it or looked for in it by way of the file system.
ALTER TABLE volume ADD COLUMN archive INTEGER NOT NULL DEFAULT 0;

-- Files of segments whose rows say that they lie in the archive: to be unlinked, then synced, then forgotten.
CREATE TABLE leftover (
    segment  INTEGER PRIMARY KEY,
    volume   INTEGER NOT NULL,
    token    TEXT NOT NULL,
    hour     INTEGER NOT NULL,
    octets   INTEGER NOT NULL
);
