-- Records a segment: rows that are an object by now leave the stream, in the order in which they came.
--
-- ARGV[3] = number, [4] = digest of the segment before it ('' = it is the first), [5] = its digest, [6] = the stream
-- entry with which it ends, [7] = the entry behind that one, [8] = bytes of its rows, [9] = its record,
-- [10] = digest of the entry in [6]: SHA-1 of the length of each of its words, a colon and the word.
-- Answers 1 recorded (also if this very segment was recorded before), 0 another one was, or its last entry is not there:
-- a server that keeps its writes once a second may have lost it with its power after it was read. Its pages are read
-- again then, and their rows are other entries; not always of other names, for a clock that has been set back gives each
-- entry the name that follows the last one. Whatever else is lost was written later, so the last entry is enough.
-- Safe to repeat: the same digest is the same segment.
--
-- SEGMENTS is a list of records; books keep `segment` (number of the last), `segment_digest`, `rows_from` (entry with
-- which it ends) and `rows_bytes` (bytes of rows in the stream).

local function digest_of(words)
  local parts = {}
  for i, word in ipairs(words) do parts[i] = #word .. ':' .. word end
  return redis.sha1hex(table.concat(parts))
end

use_reserve()
local SEGMENTS = BASE .. 'segments'
local last = redis.call('HMGET', BOOKS, 'segment', 'segment_digest', 'rows_bytes')
if last[2] == ARGV[5] then return 1 end
if tonumber(ARGV[3]) ~= tonumber(last[1] or 0) + 1 or ARGV[4] ~= (last[2] or '') then return 0 end
local entry = redis.call('XRANGE', BASE .. 'rows', ARGV[6], ARGV[6])[1]
if not entry or digest_of(entry[2]) ~= ARGV[10] then return 0 end
redis.call('XTRIM', BASE .. 'rows', 'MINID', ARGV[7])
redis.call('RPUSH', SEGMENTS, ARGV[9])
redis.call('HSET', BOOKS, 'segment', ARGV[3], 'segment_digest', ARGV[5], 'rows_from', ARGV[6],
  'rows_bytes', redis_time(math.max(0, tonumber(last[3] or 0) - tonumber(ARGV[8]))))
return 1
