"""Attacks on what is read: seeded mutations of files, run by `make attacks`."""
