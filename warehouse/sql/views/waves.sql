-- One row per wave: the contacts enrolled by one flow run, with that run's parameters.
SELECT w.id AS wave, c.name AS chain, v.number AS version, w.run, w.kind, w.enrolled_at, w.params, w.audience,
       w.entered, w.held_out
FROM ledger_waves AS w
JOIN ledger_chains AS c ON c.id = w.chain
JOIN ledger_versions AS v ON v.id = w.version
-- One that waits for approval is no wave yet: nobody has entered it.
WHERE w.kind <> 'awaiting'
