-- Asks whoever has a seat to give it up at the end of a page.
--
-- ARGV[1] = token. Answers 1, or 0 if nobody has it.

local record = redis.call('HGET', SEATS, ARGV[1])
if not record then return 0 end
local s = unpacked_seat(record)
s.yields = 1
redis.call('HSET', SEATS, ARGV[1], packed_seat(s))
return 1
