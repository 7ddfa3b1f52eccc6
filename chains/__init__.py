"""The chains of the house: one folder each, found by name."""
