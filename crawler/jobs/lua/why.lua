-- Says what a job waits for.
--
-- KEYS[1] = PREFIX:{JOB}:job. ARGV[1] = the sentence, [2] = version that it must still have ('' = any).
-- Answers 1, or 0 if it has ended, does not exist, or has another version.

use_reserve()
local job = redis.call('HMGET', JOB, 'state', 'why', 'version')
if not job[1] or has_ended(job[1]) then return 0 end
if ARGV[2] ~= '' and job[3] ~= ARGV[2] then return 0 end
if job[2] ~= ARGV[1] then redis.call('HSET', JOB, 'why', ARGV[1]) end
return 1
