-- Prolongs a seat; the first time, its worker has begun.
--
-- ARGV[1] = token, [2] = worker, [3] = ttl in ms. Answers 'K' kept, 'Y' kept, but to be given up, 'G' gone.

redis.call('HDEL', SEATS, '-') -- a server without memory refuses a script's first write, unless that frees some
local record = redis.call('HGET', SEATS, ARGV[1])
if not record then return 'G' end
local s = unpacked_seat(record)
s.worker, s.deadline = ARGV[2], NOW + tonumber(ARGV[3])
redis.call('HSET', SEATS, ARGV[1], packed_seat(s))
return s.yields == 1 and 'Y' or 'K'
