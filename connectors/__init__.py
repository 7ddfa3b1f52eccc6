"""To and from a channel: one file per provider."""
