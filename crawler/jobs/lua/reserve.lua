-- Counts a job among those of its client that have not ended, if there is room for one more.
--
-- ARGV[1] = job, [2] = how many may be counted ('' = any number), [3...] = what is to be forgotten before, see `forget`.
-- Answers 1; or 0, the time in ms, and all that are counted with their scores.
-- Safe to repeat: a job that is counted already stays counted.

local now = now_ms()
forget(3)
local had = redis.call('ZSCORE', LIVE, ARGV[1])
if not had and ARGV[2] ~= '' and redis.call('ZCARD', LIVE) >= tonumber(ARGV[2]) then
  return {0, now, redis.call('ZRANGE', LIVE, 0, -1, 'WITHSCORES')}
end
redis.call('ZADD', LIVE, string.format('%.0f', math.max(now, (tonumber(had) or 0) + 1)), ARGV[1])
return {1}
