-- Unlinks keys that a closed job needs no more. Of an open one nothing: its worker has closed it, and then the store has
-- lost that with its power; a job that forgets which pages it has seen would read them once more.
--
-- ARGV[3...] = names of keys, without BASE. Answers whether the job is closed. Safe to repeat.

if not book.closed then return 0 end
for i = 3, #ARGV do redis.call('UNLINK', BASE .. ARGV[i]) end
return 1
