-- Accepts a job, unless there is one of its id.
--
-- KEYS[1] = PREFIX:{JOB}:job. ARGV[1] = record, [2] = when it was accepted, in ms ('0' = now), [3] = random token,
-- [4-6] = what it is found by, in the order of `set_labels`, [7] = 1 if it replays another job; see `crawler/origin.lua`
-- for what stands behind that.
-- Answers 1, nil and created_ms if this call has made it, otherwise 0, record and created_ms of the job that there is.
-- Safe to repeat: the token says which call has made it.

-- The books of a job that replays (see `crawler/frontier/lua/frontier.lua`): its start page is settled before anybody can
-- ask for it, and something is staged, so that it does not end before it was given the pages that it is to read.
local function open_replay()
  local base = string.sub(JOB, 1, -4)
  redis.call('HSET', base .. 'books', 'preparing', '1', 'start', '2', 'accepted', '1', 'staged', '1')
  redis.call('HSET', base .. 'settled', 'ok', '1')
  redis.call('SADD', base .. 'set:seen:0', '1')
  redis.call('HSET', base .. 'sets', 'seen:n', '1', 'seen:c', '1')
end

local now = string.format('%.0f', now_ms())
if redis.call('HSETNX', JOB, 'record', ARGV[1]) == 1 then
  local created = ARGV[2] == '0' and now or ARGV[2]
  redis.call('HSET', JOB, 'maker', ARGV[3], 'state', 'queued', 'epoch', '1', 'version', '1',
    'created_ms', created, 'queued_ms', now)
  set_labels(ARGV[4], ARGV[5], ARGV[6])
  if ARGV[7] == '1' then open_replay() end
  note()
end
local job = redis.call('HMGET', JOB, 'maker', 'record', 'created_ms')
if job[1] == ARGV[3] then return {1, false, job[3]} end
return {0, job[2], job[3]}
