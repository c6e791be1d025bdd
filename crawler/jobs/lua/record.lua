-- What the scripts of the job store have in common. KEYS[1] = PREFIX:{JOB}:job, the hash that `states.lua` describes.

local JOB = KEYS[1]

-- The fields in the order in which Python reads them.
local function status()
  return redis.call('HMGET', JOB, 'state', 'intended', 'outcome', 'why', 'epoch', 'version',
    'queued_ms', 'started_ms', 'finishing_ms', 'finished_ms')
end

-- A server without memory refuses a script's first write, unless that frees memory. Whoever ends a job must get in.
local function use_reserve() redis.call('HDEL', JOB, '-') end

-- What a job is found by, also in its record, where finding it would cost reading all of it. Tags are a JSON array.
local function set_labels(client, recipe, tags)
  redis.call('HSET', JOB, 'client', client, 'recipe', recipe, 'tags', tags)
end
