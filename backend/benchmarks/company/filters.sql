-- What employers look for again and again.
INSERT INTO saved_filters (user_id, name, query)
SELECT id, name, query
FROM users
CROSS JOIN (
    VALUES ('Hotels', 'status=pending&category=lodging'), ('Large sums', 'status=pending&min=500'),
           ('Taxis in euros', 'status=all&q=taxi&currency=EUR')
) AS saved (name, query)
WHERE role = 'employer'
