-- How full a window is.
-- KEYS: list of its entries, see acquire.lua
-- ARGV: most entries in a window, its length in seconds
-- Answers the age of the oldest entry in it, in microseconds, and how many there are.
local key, most, window_s = KEYS[1], tonumber(ARGV[1]), tonumber(ARGV[2])
local now = now_us()
local oldest, count = now, 0
local low, high = 0, most - 1
while low <= high do
  local middle = math.floor((low + high) / 2)
  local entry = redis.call('LINDEX', key, middle)
  if entry and tonumber(entry) >= now - window_s * 1000000 then
    oldest, count = tonumber(entry), middle + 1
    low = middle + 1
  else
    high = middle - 1
  end
end
return {math.max(0, now - oldest), count}
