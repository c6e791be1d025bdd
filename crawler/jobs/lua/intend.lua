-- Says what a job is to come to.
--
-- KEYS[1] = PREFIX:{JOB}:job. ARGV[1] = succeed, cancel, fail or expire, [2] = the new why, if there is one; behind it
-- see `crawler/origin.lua`.
-- Answers 1, or 0 if it was refused; then the status as it is now (all nil: there is no such job).
-- Safe to repeat: the same intention changes nothing.

use_reserve()
local meant = redis.call('HGET', JOB, 'intended')
local ok, state = intend_end(JOB, ARGV[1], ARGV[2])
if ok and meant ~= ARGV[1] then note_state(state, state, ARGV[1]) end
return {ok and 1 or 0, status()}
