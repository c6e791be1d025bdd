-- Keeps beside a job's record what it is found by, for one that was accepted when nobody did.
--
-- KEYS[1] = PREFIX:{JOB}:job. ARGV = in the order of `set_labels`. Answers 1, or 0 if there is no such job.

if redis.call('HEXISTS', JOB, 'record') == 0 then return 0 end
set_labels(ARGV[1], ARGV[2], ARGV[3])
return 1
