-- Makes a job know ids that the job before it knew: of pages, of keys of rows, of unique values.
--
-- ARGV[3] = name of the set, [4...] = ids. Answers 1, or 0 if the job is not being prepared (any more).
-- Safe to repeat: a set has each id once.

if book.closed or redis.call('HGET', BOOKS, 'preparing') ~= '1' then return 0 end
for i = 4, #ARGV do set_add(ARGV[3], ARGV[i]) end
flush_sets()
return 1
