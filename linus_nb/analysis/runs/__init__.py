"""Runs as tables: of one, of many, and of what changed between two."""
