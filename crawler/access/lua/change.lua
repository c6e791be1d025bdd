-- Replaces a record that nobody has changed meanwhile.
--
-- KEYS[1] = the hash that holds it. ARGV[1] = its field, [2] = the record as it was read, [3] = the new one; behind
-- them see `crawler/origin.lua`.
-- Answers 1, or 0 if it has changed or is gone. Safe to repeat: the new record is there already.

local record = redis.call('HGET', KEYS[1], ARGV[1])
if record == ARGV[3] then return 1 end
if record ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
note()
return 1
