-- Hosts that keep a job out: how many answers of each were none, and the pause when that is too often.
--
-- For scripts that have the rules of states, too. The count of a host ends when a page of it is read, and all counts
-- begin anew after a pause: who lets the job go on wants to see whether the sites have changed their mind.

local BLOCKS = BASE .. 'blocks'

local function note_blocks() note_book('blocks', redis.call('HLEN', BLOCKS)) end

-- Whether a host is left alone. What it answers meanwhile was under way when that began, and says nothing new.
local function is_held(host)
  local until_ms = redis.call('ZSCORE', HELD, host)
  return until_ms and tonumber(until_ms) > NOW
end

-- limit: so many without a page that was read are too many (0 = it is never too often, or this is not to be counted).
-- why: what the job is paused with then.
local function kept_out(host, limit, why)
  if limit <= 0 then return end
  local job = redis.call('HMGET', JOB, 'state', 'intended')
  if job[1] == 'paused' or (job[2] and job[2] ~= '') then return end -- pages that were under way say nothing new
  if redis.call('HINCRBY', BLOCKS, host, 1) >= limit and move_state(JOB, 'paused', nil, why, NOW) then
    redis.call('DEL', BLOCKS)
  end
  note_blocks()
end

local function let_in(host)
  if tonumber(book.blocks or 0) > 0 and redis.call('HDEL', BLOCKS, host) == 1 then note_blocks() end
end
