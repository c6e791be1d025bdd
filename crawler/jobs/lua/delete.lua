-- Forgets a job that has ended.
--
-- KEYS[1] = PREFIX:{JOB}:job. Answers 1, or 0 if it has not ended; then the status as it was.

local before = status()
if before[1] and not has_ended(before[1]) then return {0, before} end
redis.call('UNLINK', JOB)
return {1, before}
