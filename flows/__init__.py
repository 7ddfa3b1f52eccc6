"""When things happen: the Prefect flows."""
