-- Keeps what came of checking a version of a client's recipe, and lets jobs have it from now on if that is wanted.
--
-- KEYS[1] = PREFIX:{catalog}:versions:CLIENT:NAME (version -> record), [2] = PREFIX:{catalog}:current:CLIENT (name ->
-- what jobs get that name no version), [3] = PREFIX:{catalog}:facts (SHA-256 -> facts), [4] = PREFIX:{catalog}:checks.
-- ARGV[1] = version, [2] = its record as it was read, [3] = the new one, [4] = name of the recipe, [5] = what is current
-- as it was read, "" = nothing, [6] = what is to be current, "" = as it is, [7] = SHA-256, [8] = facts, "" = none,
-- [9] = what was to be checked; behind them see `crawler/origin.lua`: what becomes current is noted, nothing else.
-- Answers 1; 0 if the record has changed; -1 if something else is current meanwhile.
-- Safe to repeat: the new record is there already.

local record = redis.call('HGET', KEYS[1], ARGV[1])
if record == ARGV[3] then return 1 end
if record ~= ARGV[2] then return 0 end
if ARGV[6] ~= '' and (redis.call('HGET', KEYS[2], ARGV[4]) or '') ~= ARGV[5] then return -1 end
redis.call('ZREM', KEYS[4], ARGV[9])
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
if ARGV[8] ~= '' then redis.call('HSETNX', KEYS[3], ARGV[7], ARGV[8]) end
if ARGV[6] ~= '' then
  redis.call('HSET', KEYS[2], ARGV[4], ARGV[6])
  note()
end
return 1
