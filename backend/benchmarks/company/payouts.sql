-- Where four employees in five want their money. A bank file cannot be made of it: no key has encrypted this.
INSERT INTO payout_details (user_id, encrypted, masked, changed_at)
SELECT id, '\x00', 'DE89 •••• ' || lpad((id % 10000)::text, 4, '0'), created_at
FROM users WHERE role = 'employee' AND id % 5 <> 0
