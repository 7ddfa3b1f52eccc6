"""The demonstration: real chains over eighteen months of a real shop's purchases."""
