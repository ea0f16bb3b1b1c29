-- Version 3: what came later from a camera's own card. The video is a run and segments like any other; these rows say of
-- which gap it was, and where it came from: one for each span of a gap that is none any more.
CREATE TABLE filled (
    id         INTEGER PRIMARY KEY,
    recording  INTEGER NOT NULL,
    epoch      INTEGER NOT NULL,
    t0         INTEGER NOT NULL,
    t1         INTEGER NOT NULL,
    cause      TEXT NOT NULL,               -- of the gap
    run        INTEGER NOT NULL,
    filled     INTEGER NOT NULL,            -- when
    source     TEXT NOT NULL                -- where it came from, for a person
);
CREATE INDEX filled_cover ON filled(recording, epoch, t0);
