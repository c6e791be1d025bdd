-- Accepts requests that no page has found.
--
-- ARGV[3...] = id, host, priority, body of each. Answers one letter each: E enqueued, S seen, C the job is closed;
-- or only 'F': the store is full, ask again.
-- Safe to repeat: what has been accepted is seen the second time.

if book.closed then return string.rep('C', (#ARGV - 2) / 4) end
use_reserve()
note_time()
if store_is_full() then return 'F' end
local fates = {}
for i = 3, #ARGV, 4 do
  fates[#fates + 1] = accept(ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3]) and 'E' or 'S'
end
flush()
return table.concat(fates)
