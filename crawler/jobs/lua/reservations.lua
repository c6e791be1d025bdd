-- What the scripts of a client's reservations have in common.
--
-- KEYS[1] = PREFIX:live:of:CLIENT, a sorted set: job -> when it was reserved, in ms; something else once the job is
-- accepted, and then it does not matter what. It changes with each reservation, so whoever has looked at the job since
-- can tell that there is a new one.

local LIVE = KEYS[1]

-- Forgets jobs, each followed by its score in ARGV from there on: only if it is still that.
local function forget(from)
  for i = from, #ARGV, 2 do
    if redis.call('ZSCORE', LIVE, ARGV[i]) == ARGV[i + 1] then redis.call('ZREM', LIVE, ARGV[i]) end
  end
end
