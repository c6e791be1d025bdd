-- Ends a job of which nothing is leased: the rest is counted as cancelled and unlinked, however much it is. But there is
-- no rest of a job that is said to be finished: as long as anything is open, it is not - unless it is to end otherwise.
-- What is due is taken back first, so that a holder who has died does not keep a cancelled job for ever.
--
-- ARGV[3] = reason, [4] = what is intended (succeed, cancel, fail, expire).
-- Answers 1 closed, 0 something is leased or, if it is finished, open, or nothing of it was ever accepted (a store that has
-- lost its last second may have lost that), -1 closed before, 2 if it is to be called again:
-- large pages that are settled have parts that nobody has looked at, and their rows count.
-- What is kept in many keys (queues of hosts, shards, lists) is left to `tidy`.

use_reserve()
if book.closed then return -1 end
note_time()
promote()
if redis.call('ZCARD', LEASED) > 0 then return 0 end
local reason, intended = ARGV[3], redis.call('HGET', JOB, 'intended') or ''
if reason == 'finished' then
  -- A worker that is given no more pages has finished, as far as it can see: of a cancelled job that is the end, too.
  if intended == '' and (open_pages() > 0 or tonumber(book.accepted or 0) == 0) then return 0 end
  reason = ({cancel = 'cancelled', fail = 'failed', expire = 'expired'})[intended] or reason
end
if tonumber(book.stages or 0) > 0 then return 2 end
local rest = redis.call('HLEN', BODY)
redis.call('UNLINK', BODY, OWNER, DELAYED, PARKED, SUSPECTS, HOSTS, HELD, SOLO, FLIGHT, STAGED, CHAINS, BASE .. 'workers', BASE .. 'calls', BASE .. 'blocks')
if rest > 0 then redis.call('HINCRBY', BASE .. 'settled', 'cancelled', rest) end
redis.call('HSET', BOOKS, 'closed', reason, 'closed_at', redis_time(NOW), 'staged', 0, 'stages', 0, 'parked', 0)
-- What was intended before holds; a crawl without a record of its job has no state to move.
move_state(JOB, 'finishing', ARGV[4], nil, NOW)
return 1
