"""The door: what comes in from the world, kept before it is answered."""
