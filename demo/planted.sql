-- One row per chain: the orders that its messages caused inside the goal's window, by the simulator's own book (`caused`).
SELECT caused.chain, count(*) AS orders, sum(caused.amount) AS revenue
FROM caused
JOIN enrolments ON enrolments.wave = caused.wave AND enrolments.contact_id = caused.contact_id
JOIN goals ON goals.wave = caused.wave
JOIN (SELECT DISTINCT order_id FROM orders) AS rung_up ON rung_up.order_id = caused.order_id
WHERE caused.extra_at > enrolments.enrolled_at AND caused.extra_at <= goals.closes_at
GROUP BY caused.chain
