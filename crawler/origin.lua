-- Notes a change in the audit, in the script that makes it: what is not done is not noted, and what is done is.
--
-- The last of KEYS = PREFIX:{audit}:entries, a stream; the last of ARGV = JSON of who asks for what, '' if nobody does:
-- then nothing is noted. Neither is seen by what stands behind this. What the words cannot know may be given: `before`
-- and `after` (JSON), and whose it is. The id of an entry is the time.

local AUDIT, WORDS = table.remove(KEYS), table.remove(ARGV)

local function note(before, after, of)
  if WORDS == '' then return end
  redis.call('XADD', AUDIT, '*', 'words', WORDS, 'before', before or '', 'after', after or '', 'of', of or '')
end
