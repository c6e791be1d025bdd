-- Hosts that keep a job out: how many answers of each in a row were none, and the pause when that is too often.
--
-- For scripts that have the rules of states, too. The count of a host ends when a page of it is read, and begins anew
-- after a pause: who lets the job go on wants to see whether the site has changed its mind.

local BLOCKS = BASE .. 'blocks'

local function note_blocks() note_book('blocks', redis.call('HLEN', BLOCKS)) end

-- limit: so many in a row are too many (0 = it is never too often). why: what the job is paused with then.
local function kept_out(host, limit, why)
  if limit <= 0 then return end
  local job = redis.call('HMGET', JOB, 'state', 'intended')
  if job[1] == 'paused' or (job[2] and job[2] ~= '') then return end -- pages that were under way say nothing new
  if redis.call('HINCRBY', BLOCKS, host, 1) >= limit and move_state(JOB, 'paused', nil, why, NOW) then
    redis.call('HDEL', BLOCKS, host)
  end
  note_blocks()
end

local function let_in(host)
  if tonumber(book.blocks or 0) > 0 and redis.call('HDEL', BLOCKS, host) == 1 then note_blocks() end
end
