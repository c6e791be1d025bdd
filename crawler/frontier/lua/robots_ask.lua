-- A site's robots.txt, or who fetches it.
--
-- KEYS[1] = PREFIX:{site:SITE}:robots, hash: status, body, readable, fresh_until; fetcher, fetch_until (ms).
-- ARGV[1] = worker, [2] = ms for which it may fetch, until it asks again.
-- Answers 0, status, body of what is fresh; else only 1 if this worker is to fetch it, or 0 if another does.
-- Safe to repeat: who is to fetch is told so again.

local NOW = now_ms()
local SITE, WORKER, FETCH_MS = KEYS[1], ARGV[1], tonumber(ARGV[2])

local known = redis.call('HMGET', SITE, 'fresh_until', 'fetcher', 'fetch_until')
if known[1] and tonumber(known[1]) > NOW then
  local kept = redis.call('HMGET', SITE, 'status', 'body')
  return {0, kept[1], kept[2]}
end
if known[3] and tonumber(known[3]) > NOW and known[2] ~= WORKER then return {0} end
redis.call('DEL', SITE)
redis.call('HSET', SITE, 'fetcher', WORKER, 'fetch_until', string.format('%.0f', NOW + FETCH_MS))
redis.call('PEXPIRE', SITE, FETCH_MS)
return {1}
