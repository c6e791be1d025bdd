-- Keeps the seals of entries, if nobody has sealed anything since the caller looked.
--
-- KEYS[1] = PREFIX:{audit}:seals, a stream: the id of an entry -> number, mac; [2] = PREFIX:{audit}:head, a hash: number,
-- id and mac of the last seal. ARGV[1] = mac of the last seal as the caller knows it ('' = there is none), then number,
-- id and mac of each new one.
-- Answers 1, or 0 if it has changed. Safe to repeat: the last of these seals is the last one already.

local mac = redis.call('HGET', KEYS[2], 'mac') or ''
if mac == ARGV[#ARGV] then return 1 end
if mac ~= ARGV[1] then return 0 end
redis.call('HDEL', KEYS[2], '-') -- a server without memory refuses a script's first write, unless that frees some
for i = 2, #ARGV, 3 do redis.call('XADD', KEYS[1], ARGV[i + 1], 'number', ARGV[i], 'mac', ARGV[i + 2]) end
redis.call('HSET', KEYS[2], 'number', ARGV[#ARGV - 2], 'id', ARGV[#ARGV - 1], 'mac', ARGV[#ARGV])
return 1
