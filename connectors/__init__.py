"""To and from a channel: one file per provider, each sending messages and reading what comes back."""
