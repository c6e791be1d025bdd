-- Prolongs leases that are still held.
--
-- ARGV[3] = worker, then id and token of each. Answers which of them are lost, counted from 0.
-- Safe to repeat: the deadline only moves on.

use_reserve()
note_time()
local lost, deadlines = {}, {}
for i = 4, #ARGV, 2 do
  local o = owner_of(ARGV[i])
  if o and o.token == ARGV[i + 1] and o.worker == ARGV[3] then
    deadlines[#deadlines + 1] = redis_time(NOW + TTL)
    deadlines[#deadlines + 1] = ARGV[i]
  else
    lost[#lost + 1] = (i - 4) / 2
  end
end
if #deadlines > 0 then redis.call('ZADD', LEASED, 'XX', unpack(deadlines)) end
return lost
