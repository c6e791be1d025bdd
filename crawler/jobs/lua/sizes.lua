-- Tells how large a field of many jobs is, for lists: who asks for all of them at once could not keep the answer.
--
-- KEYS = PREFIX:{JOB}:job of each. ARGV[1] = the field. Answers its bytes for each job, 0 for what is missing.

local answers = {}
for i = 1, #KEYS do answers[i] = redis.call('HSTRLEN', KEYS[i], ARGV[1]) end
return answers
