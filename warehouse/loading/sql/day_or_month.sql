-- One row: how many distinct cells can only be day first, and how many only month first.
-- From cells(text); 24/11/2026 votes for the day, 11/24/2026 for the month, 05/06/2026 for neither.
WITH split AS (
    SELECT regexp_extract(text, '^(\d{1,2})[/.-](\d{1,2})[/.-]\d', ['one', 'two']) AS part
    FROM cells
    WHERE regexp_matches(text, '^\d{1,2}[/.-]\d{1,2}[/.-]\d')
)
SELECT
    count(*) FILTER (try_cast(part.one AS INTEGER) > 12) AS days,
    count(*) FILTER (try_cast(part.two AS INTEGER) > 12) AS months
FROM split
