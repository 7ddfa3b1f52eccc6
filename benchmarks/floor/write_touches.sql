-- One row per touch of the chain.
SELECT contact_id, step FROM touches WHERE chain = 'three_steps'
