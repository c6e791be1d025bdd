-- Puts a part of a page that is too large for one commit beside it; the commit publishes all parts at once.
--
-- ARGV[3] = id, [4] = token, [5] = number of the part, from 0, [6] = kind, then the part's entries:
--   'c': id, host, priority, body of each child     'm': chain, the marks
--   'r': rows that the job may keep (-1 = any), then item, body, key, number of unique values, the values of each row.
-- Answers 1, 0 if the lease is lost, or 2 if a part before it is missing: the parts are to be sent again, in order.
-- Safe to repeat: a part that is there already is not added again.

use_reserve()
note_time()
local id, token, number, kind = ARGV[3], ARGV[4], tonumber(ARGV[5]), ARGV[6]
local o = owner_of(id)
if not o or o.token ~= token then return 0 end
local stage = BASE .. 'stage:' .. id .. ':' .. token
local parts = redis.call('LLEN', stage)
if parts ~= number then return parts > number and 1 or 2 end
local chunk, fresh = {kind}, false
if kind == 'r' then chunk[2] = id end
for i = 7, #ARGV do chunk[#chunk + 1] = ARGV[i] end
if kind == 'm' then
  local marks = BASE .. 'chain:' .. ARGV[7] .. ':marks'
  local known = redis.call('SMISMEMBER', marks, unpack(ARGV, 8))
  for _, is_known in ipairs(known) do fresh = fresh or is_known == 0 end
elseif kind == 'c' then
  redis.call('HINCRBY', BOOKS, 'staging:' .. id, (#ARGV - 6) / 4)
end
redis.call('RPUSH', stage, cmsgpack.pack(chunk))
o.staged = (fresh or o.staged == 2) and 2 or 1
redis.call('HSET', OWNER, id, owner_record(o))
return 1
