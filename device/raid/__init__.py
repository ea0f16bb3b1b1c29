"""Drives, the array over them, its encryption and its file system."""
