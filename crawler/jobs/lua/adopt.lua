-- Ends a job that is finishing as its manifest says, which never changes: what was intended gives way to it.
--
-- KEYS[1] = PREFIX:{JOB}:job. ARGV[1] = the end, [2] = outcome, [3] = what such an end is intended by, [4] = the new
-- why, if there is one.
-- Answers 1, or 0 if it was refused; then the status as it is now (all nil: there is no such job).
-- Safe to repeat: a job that has ended so is left as it is.

use_reserve()
local ok, state = move_state(JOB, ARGV[1], nil, ARGV[4], now_ms(), ARGV[2])
if not ok and state == 'finishing' then
  redis.call('HSET', JOB, 'intended', ARGV[3])
  ok = move_state(JOB, ARGV[1], nil, ARGV[4], now_ms(), ARGV[2])
end
return {ok and 1 or 0, status()}
