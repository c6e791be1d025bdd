-- Keeps a version of a client's recipe, to be checked.
--
-- KEYS[1] = PREFIX:{catalog}:versions:CLIENT:NAME (version -> record), [2] = PREFIX:{catalog}:names:CLIENT, a set,
-- [3] = PREFIX:{catalog}:texts (SHA-256 -> text), [4] = PREFIX:{catalog}:checks, a sorted set: what is to be checked ->
-- since when, in ms. ARGV[1] = version, [2] = its record as it was read, "" = none, [3] = the new one, [4] = name of the
-- recipe, [5] = SHA-256, [6] = text, [7] = what is to be checked, [8] = versions of a name that there may be,
-- [9] = names that there may be; behind them see `crawler/origin.lua`.
-- Answers 1; 0 if the record has changed; -1 if there are too many versions, -2 if there are too many names.
-- Safe to repeat: the new record is there already.

local record = redis.call('HGET', KEYS[1], ARGV[1])
if record == ARGV[3] then return 1 end
if (record or '') ~= ARGV[2] then return 0 end
if not record and redis.call('HLEN', KEYS[1]) >= tonumber(ARGV[8]) then return -1 end
if redis.call('SISMEMBER', KEYS[2], ARGV[4]) == 0 and redis.call('SCARD', KEYS[2]) >= tonumber(ARGV[9]) then
  return -2
end
redis.call('HSETNX', KEYS[3], ARGV[5], ARGV[6])
redis.call('SADD', KEYS[2], ARGV[4])
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
redis.call('ZADD', KEYS[4], string.format('%.0f', now_ms()), ARGV[7])
note()
return 1
