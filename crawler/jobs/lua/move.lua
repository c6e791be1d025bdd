-- Moves a job from state to state by the rules.
--
-- KEYS[1] = PREFIX:{JOB}:job. ARGV[1] = state, [2] = intended or '', [3] = outcome or '', [4] = version that it must
-- still have ('' = any), [5] = the new why, if there is one (otherwise the old one is kept); behind it see
-- `crawler/origin.lua`.
-- Answers 1, or 0 if it was refused; then the status as it is now (all nil: there is no such job).
-- Safe to repeat: a job that is in the state already is left as it is.

use_reserve()
local present = redis.call('HMGET', JOB, 'state', 'version')
if ARGV[4] ~= '' and present[1] ~= ARGV[1] and present[2] ~= ARGV[4] then return {0, status()} end
local ok = move_state(JOB, ARGV[1], ARGV[2], ARGV[5], now_ms(), ARGV[3])
if ok and present[1] ~= ARGV[1] then note_state(present[1], ARGV[1]) end
return {ok and 1 or 0, status()}
