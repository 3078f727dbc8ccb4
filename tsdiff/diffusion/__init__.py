"""The engine: torch only, no frames, no files."""
