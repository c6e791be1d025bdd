-- Puts a new session of a job in the place of the one that the writer knew.
--
-- KEYS[1] = PREFIX:{JOB}:session, hash: version, body; for the rest see session_ask.lua.
-- ARGV[1] = body, [2] = version that it takes the place of, 0 = none.
-- Answers 1, or 0 and changes nothing if there is another by now.
-- Safe to repeat: the same body one version on is this very call.

local BODY, EXPECTED = ARGV[1], tonumber(ARGV[2])

-- Memory that is short refuses a script's first write, unless that frees memory: a login must not be lost.
redis.call('HDEL', KEYS[1], '-')

local known = redis.call('HMGET', KEYS[1], 'version', 'body')
local version = tonumber(known[1] or 0)
if version == EXPECTED + 1 and known[2] == BODY then return 1 end
if version ~= EXPECTED then return 0 end
redis.call('HDEL', KEYS[1], 'login', 'login_until', 'failed', 'failed_until')
redis.call('HSET', KEYS[1], 'version', EXPECTED + 1, 'body', BODY)
return 1
