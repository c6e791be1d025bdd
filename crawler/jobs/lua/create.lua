-- Accepts a job, unless there is one of its id.
--
-- KEYS[1] = PREFIX:{JOB}:job. ARGV[1] = record, [2] = when it was accepted, in ms ('0' = now), [3] = random token,
-- [4...] = what it is found by, in the order of `set_labels`; see `crawler/origin.lua` for what stands behind that.
-- Answers 1, nil and created_ms if this call has made it, otherwise 0, record and created_ms of the job that there is.
-- Safe to repeat: the token says which call has made it.

local now = string.format('%.0f', now_ms())
if redis.call('HSETNX', JOB, 'record', ARGV[1]) == 1 then
  local created = ARGV[2] == '0' and now or ARGV[2]
  redis.call('HSET', JOB, 'maker', ARGV[3], 'state', 'queued', 'epoch', '1', 'version', '1',
    'created_ms', created, 'queued_ms', now)
  set_labels(ARGV[4], ARGV[5], ARGV[6])
  note()
end
local job = redis.call('HMGET', JOB, 'maker', 'record', 'created_ms')
if job[1] == ARGV[3] then return {1, false, job[3]} end
return {0, job[2], job[3]}
