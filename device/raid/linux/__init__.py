"""Drives, md, dm-crypt and file systems of Linux."""
