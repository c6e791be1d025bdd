-- Notes that a worker could not log in; the others hear of it for a moment.
--
-- KEYS[1] = PREFIX:{JOB}:session, see session_ask.lua. ARGV[1] = worker, [2] = why, [3] = ms for which that is said.
-- Answers 1, or 0 and changes nothing if it was another's turn.
-- Safe to repeat: the second time it is nobody's turn.

local NOW = now_ms()
local SESSION, WORKER, WHY, FAILED_MS = KEYS[1], ARGV[1], ARGV[2], tonumber(ARGV[3])

if redis.call('HGET', SESSION, 'login') ~= WORKER then return 0 end
redis.call('HDEL', SESSION, 'login', 'login_until')
local version = redis.call('HGET', SESSION, 'version')
if version then redis.call('HSET', SESSION, 'good', version) end
redis.call('HSET', SESSION, 'failed', WHY, 'failed_until', string.format('%.0f', NOW + FAILED_MS))
return 1
