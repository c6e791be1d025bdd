-- The rules of a job's states, for every script that moves one; `crawler/jobs/states.py` says the same in Python.
--
-- A job is a hash. Fields: record, client, recipe, tags (never change), state, intended, outcome, why, epoch, version,
-- created_ms, queued_ms, started_ms, finishing_ms, finished_ms, changes; what is not set yet is missing or ''. Times are ms
-- of the server's clock.

-- What a job ends as by what was intended.
local job_ends = {succeed = 'succeeded', cancel = 'cancelled', fail = 'failed', expire = 'expired'}

local function has_ended(state)
  return state == 'succeeded' or state == 'failed' or state == 'cancelled' or state == 'expired'
end

-- Of what a job has become so many bytes are kept: about 200 changes.
local MAX_CHANGES = 8192

-- Counts a change of a job, and keeps what it has become: `VERSION:STATE:INTENDED:OUTCOME:MS`, a space behind the one
-- before. A watcher who was away is told of each; the first version is not kept, since it is always the same.
local function note_change(key, now)
  local version = redis.call('HINCRBY', key, 'version', 1)
  local job = redis.call('HMGET', key, 'state', 'intended', 'outcome', 'changes')
  local kept = job[4] and job[4] ~= '' and job[4] .. ' ' or ''
  kept = kept .. string.format('%d:%s:%s:%s:%.0f', version, job[1], job[2] or '', job[3] or '', now)
  if #kept > MAX_CHANGES then kept = kept:sub(kept:find(' ', #kept - MAX_CHANGES, true) + 1) end
  redis.call('HSET', key, 'changes', kept)
end

-- Moves a job: ok, present state. A move into the state that it is in already is ok and changes nothing. Without a job
-- the answer is false, nil; when the rules refuse, false and the state that it keeps.
--   intended  on the way to finishing: succeed, cancel, fail, expire; what was said before holds. Otherwise nil or ''
--   why       one sentence; nil keeps the old one, but a job that runs is not waiting any more
--   now       ms
--   outcome   at the end: complete, partial, quality_failed, empty. Otherwise nil or ''
local function move_state(key, to, intended, why, now, outcome)
  local moves = {
    queued = {running = 1, paused = 1, finishing = 1},
    running = {paused = 1, finishing = 1},
    paused = {running = 1, finishing = 1},
    finishing = {succeeded = 1, failed = 1, cancelled = 1, expired = 1},
    succeeded = {}, failed = {}, cancelled = {}, expired = {},
  }
  local outcomes = {complete = 1, partial = 1, quality_failed = 1, empty = 1}

  local job = redis.call('HMGET', key, 'state', 'intended', 'outcome', 'started_ms')
  local state, meant = job[1], job[2] or ''
  intended, outcome = intended or '', outcome or ''
  if not state then return false, nil end
  if to == state then
    return (intended == '' or intended == meant) and (outcome == '' or outcome == (job[3] or '')), state
  end
  if not (moves[state] and moves[state][to]) then return false, state end

  local at = string.format('%.0f', now)
  local set = {'state', to}
  local function also(field, value)
    set[#set + 1] = field
    set[#set + 1] = value
  end
  if to == 'finishing' then
    if meant == '' then meant = intended end
    if not job_ends[meant] or outcome ~= '' then return false, state end
    also('intended', meant)
    also('finishing_ms', at)
  elseif intended ~= '' then
    return false, state
  elseif state == 'finishing' then
    local ending = job_ends[meant]
    if ending and outcome == 'quality_failed' then ending = 'failed' end
    if not outcomes[outcome] or to ~= ending then return false, state end
    also('outcome', outcome)
    also('finished_ms', at)
  else
    if meant ~= '' or outcome ~= '' then return false, state end
    if to == 'running' then
      why = why or ''
      if (job[4] or '') == '' then also('started_ms', at) end
    end
  end
  if why then also('why', why) end
  redis.call('HSET', key, unpack(set))
  note_change(key, now)
  return true, to
end

-- Says what a job is to come to while its last pages are on their way; from then on it gives out no more. Answers as
-- move_state does; what was said before is not changed.
local function intend_end(key, intended, why)
  local job = redis.call('HMGET', key, 'state', 'intended')
  local state, meant = job[1], job[2] or ''
  if not state then return false, nil end
  if meant == intended then return true, state end
  if meant ~= '' or state == 'finishing' or has_ended(state) or not job_ends[intended] then return false, state end
  redis.call('HSET', key, 'intended', intended)
  if why then redis.call('HSET', key, 'why', why) end
  note_change(key, now_ms())
  return true, state
end
