-- What the scripts of a job's seats have in common.
--
-- KEYS[1] = PREFIX:{JOB}:seats, a hash: token -> msgpack list (node, since (ms), deadline (ms), worker, 1 if it is to yield).
-- A seat without a worker is reserved: its node is starting one. Beside it the keys of the job's frontier are read,
-- which `crawler/frontier/lua/frontier.lua` describes.

local SEATS = KEYS[1]
local BASE = string.sub(SEATS, 1, -6)
local NOW = now_ms()
local NEEDS = 1099511627776 -- 2^40: the score of a parked page is what it needs, times this, and more

local function unpacked_seat(record)
  local s, values = {}, cmsgpack.unpack(record)
  s.node, s.since, s.deadline, s.worker, s.yields = unpack(values)
  return s
end

local function packed_seat(s) return cmsgpack.pack({s.node, s.since, s.deadline, s.worker, s.yields}) end

-- Seats that are held, and those of them that wait for their worker. Expired ones are removed, unless the server was
-- away itself: those who hold them could not say so.
local function live_seats(ttl)
  local live, starting, dead = 0, 0, {}
  local all = redis.call('HGETALL', SEATS)
  for i = 1, #all, 2 do
    local s = unpacked_seat(all[i + 1])
    if s.deadline < NOW and uptime_ms() > ttl then
      dead[#dead + 1] = all[i]
    else
      live = live + 1
      if s.worker == '' then starting = starting + 1 end
    end
  end
  if #dead > 0 then redis.call('HDEL', SEATS, unpack(dead)) end
  return live, starting
end

local function first_score(key)
  return tonumber(redis.call('ZRANGE', key, 0, 0, 'WITHSCORES')[2])
end

-- How many more workers have something to do now: one for each `per_worker` pages that are ready, or parked until
-- somebody asks who `reads` them.
local function work_for(per_worker, reads)
  local job = redis.call('HMGET', BASE .. 'job', 'state', 'intended')
  if job[1] ~= 'queued' and job[1] ~= 'running' then return 0 end
  if job[2] and job[2] ~= '' then return 0 end
  local book = redis.call('HMGET', BASE .. 'books', 'closed', 'accepted', 'stages', 'parked')
  if book[1] then return 0 end
  if not book[2] then return 1 end -- nobody has begun
  local leased, delayed = redis.call('ZCARD', BASE .. 'leased'), redis.call('ZCARD', BASE .. 'delayed')
  local parked, readable = tonumber(book[4] or 0), 0
  local ready = redis.call('HLEN', BASE .. 'body') - leased - delayed - parked
  if parked > 0 then readable = redis.call('ZCOUNT', BASE .. 'parked', '-inf', string.format('(%.0f', (reads + 1) * NEEDS)) end
  local askable = redis.call('EXISTS', BASE .. 'hosts', BASE .. 'suspects') > 0 or tonumber(book[3] or 0) > 0
  if not askable then ready = 0 end
  if ready + readable > 0 then return math.ceil((ready + readable) / per_worker) end
  for _, key in ipairs({'delayed', 'held', 'leased'}) do
    local due = first_score(BASE .. key)
    if due and due <= NOW then return 1 end
  end
  return 0
end
