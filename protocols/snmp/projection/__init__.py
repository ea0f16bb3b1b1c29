"""The recorder as MIB objects and notifications: tables, not code."""
