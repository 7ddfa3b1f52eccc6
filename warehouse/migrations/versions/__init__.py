"""The revisions of the ledger, oldest first; one that was released is never changed."""
