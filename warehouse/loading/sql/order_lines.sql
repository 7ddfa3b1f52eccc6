-- One row per incoming order line, in the order of place: its order and line number, as stated or derived.
-- All lines of one client at one moment are one order; a line is known by its content and, among
-- equal lines, by its occurrence: two equal lines are two lines, and the same file again adds none.
-- `further` (the attributes as text) only settles which of two equal lines comes first.
WITH content AS (
    SELECT
        place,
        further,
        line_id,
        coalesce(order_id, 'o' || md5(concat_ws('|', client_id, ordered_at::VARCHAR))[:16]) AS order_id,
        md5(concat_ws('|', client_id, ordered_at::VARCHAR, amount::VARCHAR, coalesce(product, ''),
                      coalesce(quantity::VARCHAR, '')))[:16] AS content
    FROM incoming
)
SELECT
    place,
    order_id,
    coalesce(line_id, content || '-' || row_number() OVER (
        PARTITION BY order_id, content, line_id ORDER BY further, place
    )::VARCHAR) AS line_id
FROM content
ORDER BY place
