"""The rules of marketing chains: pure, with no database, network or workflow engine."""
