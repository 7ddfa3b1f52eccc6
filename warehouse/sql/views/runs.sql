-- One row per flow run that worked on this warehouse.
SELECT r.id AS run, r.name, r.kind, c.name AS chain, r.starter, r.params, r.as_of, r.started_at, r.ended_at, r.state,
       r.summary
FROM ledger_runs AS r
LEFT JOIN ledger_chains AS c ON c.id = r.chain
