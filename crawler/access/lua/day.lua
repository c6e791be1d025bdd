-- Counts a job against what a client may submit in a day.
--
-- KEYS[1] = PREFIX:{access}:day:CLIENT, a sorted set: job -> when it was counted, in ms. ARGV[1] = job, [2] = how many
-- there may be, [3] = a day in ms.
-- Answers 1 and 0, or 0 and the ms until one is free again. Safe to repeat: a job is counted once.

local now = now_ms()
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - tonumber(ARGV[3]))
if redis.call('ZSCORE', KEYS[1], ARGV[1]) then return {1, 0} end
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[2]) then
  local oldest = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')[2] or now
  return {0, math.max(0, math.floor(tonumber(oldest) + tonumber(ARGV[3]) - now))}
end
redis.call('ZADD', KEYS[1], string.format('%.0f', now), ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return {1, 0}
