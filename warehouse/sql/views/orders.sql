-- One row per order line.
SELECT * FROM raw_orders
