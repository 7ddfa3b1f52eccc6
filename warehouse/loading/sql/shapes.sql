-- One row: how many distinct cells fit each type of attribute, to choose the narrowest that all of them fit.
-- From cells(text). A number that opens with a zero is a code, not a quantity: it stays text.
SELECT
    count(*) AS cells,
    count(*) FILTER (regexp_full_match(text, '[+-]?(0|[1-9]\d{0,17})')) AS integers,
    count(*) FILTER (regexp_full_match(text, '[+-]?(0|[1-9]\d{0,2}([\s\x{00A0}\x{202F}.,]?\d{3})*)([.,]\d+)?')) AS decimals,
    count(*) FILTER (regexp_full_match(lower(text), 'true|false|yes|no|oui|non|vrai|faux')) AS booleans,
    count(*) FILTER (regexp_full_match(text,
        '\d{4}[-/]\d{1,2}[-/]\d{1,2}([T ].*)?|\d{1,2}[/.-]\d{1,2}[/.-](\d{4}|\d{2})(,? .*)?')) AS instants
FROM cells
