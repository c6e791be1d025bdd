-- The session of a job, or who logs in.
--
-- KEYS[1] = PREFIX:{JOB}:session, hash: version, body; login, login_until (ms): who is at it; failed, failed_until;
--   good: newest version that a page was good with, or after which a login has failed; ever_good.
-- ARGV[1] = worker, [2] = version up to which sessions are worthless, [3] = ms for which it may be at it.
-- Answers 1 if this worker is to log in, otherwise 0; why somebody has failed, a moment ago; version, body, good, ever_good.
-- Safe to repeat: who is to log in is told so again.

local NOW = now_ms()
local SESSION, WORKER, BEYOND, LOGIN_MS = KEYS[1], ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])

-- Memory that is short refuses a script's first write, unless that frees memory.
redis.call('HDEL', SESSION, '-')

local known = redis.call('HMGET', SESSION, 'version', 'body', 'failed_until', 'failed', 'login_until', 'login',
  'good', 'ever_good')
local version = known[1] or '0'
local function answer(yours, failed)
  return {yours, failed, version, known[2] or '', known[7] or '0', known[8] or ''}
end
if tonumber(version) > BEYOND then return answer(0, '') end
if known[3] and tonumber(known[3]) > NOW then return answer(0, known[4]) end
if known[5] and tonumber(known[5]) > NOW and known[6] ~= WORKER then return answer(0, '') end
redis.call('HSET', SESSION, 'login', WORKER, 'login_until', string.format('%.0f', NOW + LOGIN_MS))
return answer(1, '')
