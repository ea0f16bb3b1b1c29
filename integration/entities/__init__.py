"""Everything a recorder has, as things with entities: one table for each kind of thing, and a reading that fills it."""
