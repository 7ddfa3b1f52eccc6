-- One row: how many distinct cells show a decimal comma, and how many a decimal point, beyond doubt.
-- A mark followed by exactly three digits decides nothing: it may set thousands apart.
-- From cells(text).
SELECT
    count(*) FILTER (regexp_matches(text, ',\d{1,2}\D*$|,\d{4,}\D*$|\.\d{3},')) AS commas,
    count(*) FILTER (regexp_matches(text, '\.\d{1,2}\D*$|\.\d{4,}\D*$|,\d{3}\.')) AS points
FROM cells
