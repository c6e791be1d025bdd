-- Keeps a new key, if its client exists.
--
-- KEYS as of find.lua. ARGV[1] = id of the key, [2] = its record, [3] = its client; behind them see
-- `crawler/origin.lua`.
-- Answers 1; 0 if there is no such client; -1 if there is another key of that id.
-- Safe to repeat: the same record is there already.

if redis.call('HEXISTS', KEYS[3], ARGV[3]) == 0 then return 0 end
if redis.call('HSETNX', KEYS[1], ARGV[1], ARGV[2]) == 1 then
  note()
elseif redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then
  return -1
end
redis.call('HSET', KEYS[2], ARGV[1], ARGV[3])
return 1
