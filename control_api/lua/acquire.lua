-- Enters calls into a window, if it has room for them.
-- KEYS: list of its entries, the newest first, in microseconds of the server's time
-- ARGV: most entries in a window, its length in seconds, how many enter
-- Answers 1 if they have entered, 0 if there is no room.
local key, most, window_s, entering = KEYS[1], tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local now = now_us()
local written = string.format('%.0f', now)

-- What lies ahead was entered before the server's own clock was set back, or on another server. It counts as if it
-- were entered now: otherwise nobody would get in until then. From the far end, so that a half is in order too.
local ahead = 0
local entry = redis.call('LINDEX', key, ahead)
while entry and tonumber(entry) > now do
  ahead = ahead + 1
  entry = redis.call('LINDEX', key, ahead)
end
for index = ahead - 1, 0, -1 do redis.call('LSET', key, index, written) end
if ahead > 0 then redis.call('EXPIRE', key, window_s + 1) end

if entering > most then return 0 end
local last = redis.call('LINDEX', key, most - entering)
if last and tonumber(last) >= now - window_s * 1000000 then return 0 end
for _ = 1, entering do redis.call('LPUSH', key, written) end
redis.call('LTRIM', key, 0, most - 1)
redis.call('EXPIRE', key, window_s + 1) -- it counts whole milliseconds, and an entry must not go too early
return 1
