-- Gives a page back for a later try, which is counted.
--
-- ARGV[3] = id, [4] = token, [5] = delay in ms, [6] = ms for which nothing of its host is given out, [7] = 0, or how many
-- answers may be none before a page is read, of which this is one, unless the host is left alone already, [8] = what the
-- job is paused with if those are too many.
-- Answers 1, or 0 if the lease is lost. Safe to repeat: the token is spent.

use_reserve()
note_time()
local id, delay, hold = ARGV[3], tonumber(ARGV[5]), tonumber(ARGV[6])
local o = owner_of(id)
if not o or o.token ~= ARGV[4] then return 0 end
local limit = tonumber(ARGV[7])
if limit > 0 and is_held(o.host) then limit = 0 end
if hold > 0 then
  redis.call('ZADD', HELD, 'GT', redis_time(NOW + hold), o.host)
  redis.call('ZREM', HOSTS, o.host)
end
let_go(id, o)
o.tries = o.tries + 1
redis.call('HINCRBY', BOOKS, 'retries', 1)
kept_out(o.host, limit, ARGV[8])
if delay <= 0 then
  make_ready(id, o)
else
  keep_owner(id, o)
  redis.call('ZADD', DELAYED, redis_time(NOW + delay), id)
end
flush()
return 1
