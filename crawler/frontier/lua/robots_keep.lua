-- Keeps a site's robots.txt. What could not be read does not take the place of what could and is still fresh.
--
-- KEYS[1] = see robots_ask.lua.
-- ARGV[1] = status, [2] = body, [3] = 1 if it could be read, [4] = ms for which it counts.
-- Safe to repeat.

local NOW = now_ms()
local SITE, STATUS, BODY, READABLE, FRESH_MS = KEYS[1], ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])

local known = redis.call('HMGET', SITE, 'fresh_until', 'readable')
if READABLE == '0' and known[2] == '1' and tonumber(known[1]) > NOW then return 0 end
redis.call('DEL', SITE)
redis.call('HSET', SITE, 'status', STATUS, 'body', BODY, 'readable', READABLE,
  'fresh_until', string.format('%.0f', NOW + FRESH_MS))
redis.call('PEXPIRE', SITE, FRESH_MS)
return 1
