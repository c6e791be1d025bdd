-- Ends the leases of a worker that is known to be dead, as if their time had come: up to AT_ONCE of them.
--
-- ARGV[3] = worker. Answers how many. Safe to repeat: what has ended is not the worker's any more.

if book.closed then return 0 end
use_reserve()
note_time()
local ended = 0
for _, id in ipairs(redis.call('SRANDMEMBER', BASE .. 'held:' .. ARGV[3], AT_ONCE)) do
  local o = owner_of(id)
  if o and o.worker == ARGV[3] then
    expire(id)
    ended = ended + 1
  end
end
flush()
return ended
