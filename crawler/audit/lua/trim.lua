-- Takes entries off that are in the storage of files, and their seals.
--
-- KEYS[1] = PREFIX:{audit}:entries, [2] = PREFIX:{audit}:seals, both streams with the same ids. ARGV[1] = id of the last
-- entry that goes.
-- Answers how many have gone. Safe to repeat: they are gone already.

local gone = 0
for _, key in ipairs({KEYS[1], KEYS[2]}) do
  while true do
    local found = redis.call('XRANGE', key, '-', ARGV[1], 'COUNT', 500)
    if #found == 0 then break end
    local ids = {}
    for i = 1, #found do ids[i] = found[i][1] end
    redis.call('XDEL', key, unpack(ids))
    if key == KEYS[1] then gone = gone + #ids end
  end
end
return gone
