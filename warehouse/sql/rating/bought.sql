-- One row per chain and arm: of the enrolments whose goal's window has closed, those that bought in it, and after how many
-- seconds 0, 5, … 100 % of their first orders had come.
WITH windows AS (
    SELECT enrolments.chain, enrolments.arm, enrolments.enrolment_id, enrolments.contact_id, enrolments.enrolled_at, goals.closes_at
    FROM enrolments
    JOIN goals USING (wave)
    WHERE goals.kind = 'purchased' AND goals.closes_at <= getvariable('as_of')
),
bought AS (
    SELECT windows.enrolment_id, min(date_diff('microsecond', windows.enrolled_at, lines.ordered_at) / 1e6) AS late
    FROM windows
    JOIN order_lines AS lines ON lines.contact_id = windows.contact_id AND lines.bought
        AND lines.ordered_at > windows.enrolled_at AND lines.ordered_at <= windows.closes_at
    GROUP BY windows.enrolment_id
)
SELECT windows.chain, windows.arm, count(*) AS contacts, count(bought.late) AS buyers,
       quantile_cont(bought.late, $points::DOUBLE[]) AS delays
FROM windows
LEFT JOIN bought USING (enrolment_id)
GROUP BY windows.chain, windows.arm
