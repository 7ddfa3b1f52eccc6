-- One row per window: the distribution of pressure over all contacts.
SELECT * FROM pressure_distribution ORDER BY window_days
