-- One row per window and number of touches: the contacts with that number.
SELECT * FROM touch_counts ORDER BY window_days, touches
