-- One row per incoming order line, in the order of place: its amount without value added tax.
-- In whole ten-thousandths, rounded half away from zero: no binary float has a part in it.
-- $divisor is one plus the rate, in ten-thousandths.
WITH units AS (
    SELECT place, (amount::DECIMAL(28, 4) * 10000)::HUGEINT AS amount, $divisor::HUGEINT AS divisor FROM incoming
)
SELECT
    ((sign(amount) * ((abs(amount) * 10000 + divisor // 2) // divisor))::DECIMAL(28, 0)
        * 0.0001::DECIMAL(4, 4))::DECIMAL(18, 4) AS amount
FROM units
ORDER BY place
