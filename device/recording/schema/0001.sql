-- Catalogue of the recorder, version 1. Times are microseconds UTC; ids of run, segment and gap come from one sequence.
-- On the system disk, never on the array: PRAGMA journal_mode=WAL, synchronous=FULL.

-- One row: whose catalogue it is, when it last committed, why it was closed, and the last id it gave.
CREATE TABLE recorder (
    id       TEXT PRIMARY KEY,
    alive    INTEGER NOT NULL,
    stopped  TEXT,
    last_id  INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE volume (
    id     INTEGER PRIMARY KEY,
    uuid   TEXT NOT NULL UNIQUE,
    path   TEXT NOT NULL,
    bytes  INTEGER NOT NULL DEFAULT 0       -- of the segments that are not garbage
);

-- The wall clock never runs back within an epoch. `back` is by how much it was set back when the epoch began;
-- true time = utc + the sum of `back` up to the epoch, and runs on without a hole.
CREATE TABLE epoch (
    id    INTEGER PRIMARY KEY,
    t0    INTEGER NOT NULL,
    back  INTEGER NOT NULL
);

CREATE TABLE recording (
    id       INTEGER PRIMARY KEY,
    token    TEXT NOT NULL UNIQUE,
    camera   TEXT NOT NULL,
    stream   TEXT NOT NULL,
    epoch    INTEGER NOT NULL,
    created  INTEGER NOT NULL,
    bytes    INTEGER NOT NULL DEFAULT 0,    -- of the segments that are not garbage
    -- What retention goes by, also while nobody records: microseconds, bytes; NULL is no limit.
    keep_from   INTEGER,
    keep_until  INTEGER,
    quota       INTEGER,
    pre_event   INTEGER NOT NULL DEFAULT 0
);

CREATE TABLE tracks (
    id           INTEGER PRIMARY KEY,
    description  TEXT NOT NULL UNIQUE
);

CREATE TABLE run (
    id         INTEGER PRIMARY KEY,
    recording  INTEGER NOT NULL,
    epoch      INTEGER NOT NULL,
    t0         INTEGER NOT NULL,
    t1         INTEGER,                     -- NULL while it runs
    reason     TEXT
);
CREATE INDEX run_open ON run(t1) WHERE t1 IS NULL;
CREATE INDEX run_recording ON run(recording, epoch, t0);

CREATE TABLE segment (
    id         INTEGER PRIMARY KEY,
    recording  INTEGER NOT NULL,
    run        INTEGER NOT NULL,
    volume     INTEGER NOT NULL,
    tracks     INTEGER NOT NULL,
    epoch      INTEGER NOT NULL,
    t0         INTEGER NOT NULL,
    dur        INTEGER NOT NULL,            -- its span in the ledger, gaps inside included
    missing    INTEGER NOT NULL,            -- of `dur`: what the gaps inside add up to
    bytes      INTEGER NOT NULL,
    durable    INTEGER NOT NULL,            -- the file is good up to here
    hour       INTEGER NOT NULL,            -- YYYYMMDDHH of its folder
    flags      INTEGER NOT NULL,            -- 1 provisional, 2 damaged
    state      INTEGER NOT NULL,            -- 0 open, 1 closed, 2 garbage
    idx        BLOB NOT NULL                -- packed index of its fragments (index.py)
);
-- Open rows change at every beat. No large index holds what changes of them, so that a beat writes a few pages and not
-- one for each stream.
CREATE INDEX segment_cover ON segment(recording, epoch, t0, dur, bytes, flags, state) WHERE state = 1;
CREATE INDEX segment_shelf ON segment(volume, recording, epoch, t0) WHERE state = 1;
CREATE INDEX segment_loose ON segment(state, recording, epoch, t0) WHERE state <> 1;
CREATE INDEX segment_provisional ON segment(recording, epoch, t0, dur, flags, state) WHERE flags & 1;
CREATE INDEX segment_damaged ON segment(recording, epoch, t0, dur, flags, state) WHERE flags & 2;

CREATE TABLE gap (
    id         INTEGER PRIMARY KEY,
    recording  INTEGER NOT NULL,
    epoch      INTEGER NOT NULL,
    t0         INTEGER NOT NULL,
    t1         INTEGER,                     -- NULL while it lasts
    cause      TEXT NOT NULL,
    inside     INTEGER NOT NULL,            -- the segment in whose span it lies; 0: between segments
    lost       INTEGER NOT NULL,            -- packets
    detail     TEXT NOT NULL
);
CREATE INDEX gap_cover ON gap(recording, epoch, t0, t1, cause, inside);
CREATE INDEX gap_open ON gap(recording) WHERE t1 IS NULL;
CREATE INDEX gap_inside ON gap(inside) WHERE inside <> 0;

CREATE TABLE lock (
    id         INTEGER PRIMARY KEY,
    recording  INTEGER NOT NULL,
    t0         INTEGER NOT NULL,
    t1         INTEGER NOT NULL,
    until      INTEGER,                     -- NULL: until it is taken off
    who        TEXT NOT NULL,
    why        TEXT NOT NULL,
    created    INTEGER NOT NULL
);
CREATE INDEX lock_recording ON lock(recording, t0);
