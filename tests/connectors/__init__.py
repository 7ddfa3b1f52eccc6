"""Every connector against one contract, and each against its own."""
