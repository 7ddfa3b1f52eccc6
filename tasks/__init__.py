"""One verb per file: thin Prefect tasks around sets and providers."""
