"""Frames to arrays to windows and back: the border of the library."""
