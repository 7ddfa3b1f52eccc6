-- One row: what the run $run did to the chain $chain; none where it left no rows.
SELECT * FROM run_funnel WHERE run = $run AND chain = $chain
