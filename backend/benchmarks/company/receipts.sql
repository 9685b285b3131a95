-- An invoice for one ticket in ten. One of fifty is the file of the one before, and another one a
-- copy of its invoice.
INSERT INTO receipts (owner_id, ticket_id, name, kind, size, sha256, pages, invoice_reader,
                      invoice_number, invoice_date, invoice_amount, invoice_currency,
                      invoice_merchant, invoice_key, added_at)
SELECT proved.owner_id, proved.id, format('invoice-%s.pdf', file), 'pdf', 40000 + file % 90000,
       encode(sha256(file::text::bytea), 'hex'), 1, 'cii', invoiced.id::text, invoiced.spent_on,
       invoiced.amount, invoiced.currency, invoiced.merchant,
       folded(invoiced.merchant) || ' ' || invoiced.id, proved.created_at
FROM (
    SELECT *, id - CASE WHEN id % 500 = 0 THEN 10 ELSE 0 END AS file,
           id - CASE WHEN id % 250 = 0 THEN 10 ELSE 0 END AS invoice
    FROM tickets WHERE id % 10 = 0
) AS proved
JOIN tickets AS invoiced ON invoiced.id = invoice
ORDER BY proved.id
