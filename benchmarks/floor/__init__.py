"""Floors: the honest best plain program for the same work, never changed together with the engine."""
