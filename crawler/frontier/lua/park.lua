-- Puts a page aside that its holder cannot read, until somebody asks who can. No try is counted.
--
-- ARGV[3] = id, [4] = token, [5] = what a worker must read to get it: a number up to 4095, see `lease`.
-- Answers 1, or 0 if the lease is lost. Safe to repeat: the token is spent.

use_reserve()
note_time()
local id, needs = ARGV[3], tonumber(ARGV[5])
local o = owner_of(id)
if not o or o.token ~= ARGV[4] then return 0 end
let_go(id, o)
keep_owner(id, o)
redis.call('ZADD', PARKED, redis_time(needs * ORDERS + redis.call('HINCRBY', BOOKS, 'turn', 1)), id)
note_book('parked', redis_time(parked_pages() + 1))
flush()
return 1
