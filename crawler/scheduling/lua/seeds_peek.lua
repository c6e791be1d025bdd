-- Shows the next seeds and leaves them where they are.
--
-- KEYS[1] = the seeds: a list (from its left), a set, or a sorted set (highest score first); [2] = hash: what is shown
-- and not taken off yet, SHA-1 of a seed -> its number; [3] = exists while nobody is to take seeds.
-- ARGV[1] = 'list', 'set' or 'zset'; [2...] = random numbers, one for each seed that may be shown.
-- Answers seed, number, seed, number ... A seed keeps its number until it is taken off, whoever looks at it; one that is
-- pushed again after that gets another. Of equal seeds in a list one is shown.
-- Safe to repeat: it is shown again with the same number.

if redis.call('EXISTS', KEYS[3]) == 1 then return {} end
local kind, count = ARGV[1], #ARGV - 1
local seeds
if kind == 'list' then
  seeds = redis.call('LRANGE', KEYS[1], 0, count - 1)
elseif kind == 'set' then
  seeds = redis.call('SRANDMEMBER', KEYS[1], count)
else
  seeds = redis.call('ZREVRANGE', KEYS[1], 0, count - 1)
end
-- A server without memory refuses a script's first write, unless that frees memory. Seeds become pages, which make room
-- when they are settled, so whoever would read them must get in.
if #seeds > 0 then redis.call('HDEL', KEYS[2], '-') end
local out, shown = {}, {}
for i, seed in ipairs(seeds) do
  local sha = redis.sha1hex(seed)
  if not shown[sha] then
    shown[sha] = true
    redis.call('HSETNX', KEYS[2], sha, ARGV[i + 1])
    out[#out + 1] = seed
    out[#out + 1] = redis.call('HGET', KEYS[2], sha)
  end
end
-- Forgotten when nobody has looked for a day: what somebody else takes off the list would stay here for ever.
if #out > 0 then redis.call('EXPIRE', KEYS[2], 86400) end
return out
