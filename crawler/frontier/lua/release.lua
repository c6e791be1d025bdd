-- Hands leases back at once, with no try counted.
--
-- ARGV[3] = worker, then id and token of each lease; with none, up to 200 of all that the worker holds.
-- Answers how many were handed back. Safe to repeat: the tokens are spent.

local worker, released, done = ARGV[3], 0, {}
if not book.seen_at then return 0 end -- of a job that is forgotten no key is made
use_reserve()
note_time()

local function hand_back(id, token)
  local o = owner_of(id)
  if done[id] or not o or o.worker ~= worker or (token and o.token ~= token) then return end
  done[id] = true -- it may be named twice, and what is gathered here is written at the end
  let_go(id, o)
  make_ready(id, o)
  released = released + 1
end

if #ARGV == 3 then
  for i, id in ipairs(redis.call('SMEMBERS', BASE .. 'held:' .. worker)) do
    if i > 200 then break end
    hand_back(id)
  end
else
  for i = 4, #ARGV, 2 do hand_back(ARGV[i], ARGV[i + 1]) end
end
if released > 0 then redis.call('HINCRBY', BOOKS, 'released', released) end
flush()
return released
