-- One row per suppression of a contact or an address (address_key), with its reason and time.
SELECT * FROM raw_suppressions
