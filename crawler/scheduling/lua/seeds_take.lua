-- Takes off seeds that the frontier has, and puts those that are none among the dead.
--
-- KEYS[1], [2] = as of seeds_peek.lua; [3] = list of the dead.
-- ARGV[1] = 'list', 'set' or 'zset'; then for each seed: itself, its number, and what goes to the dead or ''.
-- Answers how many were taken off.
-- Safe to repeat, and for two workers that were shown the same seed: the number is spent the first time, so that an
-- equal seed that was pushed in the meantime stays.

local taken = 0
for i = 2, #ARGV, 3 do
  local seed, number, dead = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  local sha = redis.sha1hex(seed)
  if redis.call('HGET', KEYS[2], sha) == number then
    redis.call('HDEL', KEYS[2], sha)
    if ARGV[1] == 'list' then
      redis.call('LREM', KEYS[1], 1, seed)
    elseif ARGV[1] == 'set' then
      redis.call('SREM', KEYS[1], seed)
    else
      redis.call('ZREM', KEYS[1], seed)
    end
    if dead ~= '' then redis.call('RPUSH', KEYS[3], dead) end
    taken = taken + 1
  end
end
return taken
