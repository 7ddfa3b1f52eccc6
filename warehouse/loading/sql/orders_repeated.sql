-- One row per incoming row whose key comes again further down: its place, and the place that is kept.
SELECT place, kept
FROM (SELECT place, max(place) OVER (PARTITION BY order_id, line_id) AS kept FROM incoming) AS ranked
WHERE place < kept
ORDER BY place
