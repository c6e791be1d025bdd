-- Gives up to LIMIT ready pages to a worker, after taking back what is due.
--
-- ARGV[3] = worker, [4] = number of this call, [5] = limit, [6] = token for all leases of this call,
-- [7] = pages that the job may fetch, -1 = any, [8] = what the worker reads: parked pages that need no more are ready
-- again, [9] ... = hosts of which nothing is given; they keep their turn.
-- Answers reply ('+', 'C' closed, 'P' paused, 'F' full), open pages, ms until the next call is worth while (-1: none),
-- 1 if the limit of pages is reached, 1 if the start page is settled, token, pages that are ready still, parked ones, then
-- id, host, body, tries, suspect of each lease; if it is paused, why instead.
-- Safe to repeat: the same number gets the same leases again, as far as they still hold; an older one gets none.

local worker, call, limit, token = ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5]), ARGV[6]
local max_pages, reads = tonumber(ARGV[7]), tonumber(ARGV[8])
local FIRST_SKIPPED = 9
local SUSPECTS_SEEN = 200 -- suspects of hosts that may not be asked now are passed over, up to so many
local MINE, WORKERS = BASE .. 'held:' .. worker, BASE .. 'workers'

use_reserve()

-- `out`: what follows the first eight words, which are filled in here.
local function answer(reply, at_limit, given_token, out)
  local open = open_pages()
  out[1], out[2], out[3] = reply, open, redis_time(due_in(open))
  out[4], out[5], out[6] = at_limit, book.start == '2' and 1 or 0, given_token
  out[7] = redis.call('HLEN', BODY) - redis.call('ZCARD', LEASED) - redis.call('ZCARD', DELAYED) - parked_pages()
  out[8] = parked_pages()
  return out
end

local function no_leases() return {0, 0, 0, 0, 0, 0, 0, 0} end

if book.closed then return {'C', 0, '-1', 0, 1, '0', 0, 0} end
note_time()
local job = redis.call('HMGET', JOB, 'state', 'intended', 'why')
if job[2] and job[2] ~= '' then
  promote() -- whoever is told so closes the job, if no lease keeps it
  return answer('C', 0, '0', no_leases())
end
if job[1] == 'paused' then return answer('P', 0, '0', {0, 0, 0, 0, 0, 0, 0, 0, job[3] or ''}) end
if job[1] == 'queued' then move_state(JOB, 'running', nil, nil, NOW) end

promote()

local last = redis.call('HGET', BASE .. 'calls', worker)
if last then
  local number, at_limit, given_token, ids = cmsgpack.unpack(last)
  if call <= number then
    local leases = no_leases()
    for _, id in ipairs(call == number and ids or {}) do
      local o = owner_of(id)
      if o and o.token == given_token then
        for _, part in ipairs({id, o.host, redis.call('HGET', BODY, id), o.tries, o.suspect}) do
          leases[#leases + 1] = part
        end
      end
    end
    return answer('+', at_limit, given_token, leases)
  end
end

if store_is_full() or rows_wait() then return answer('F', 0, '0', no_leases()) end

-- How many more pages may be leased now. The start page is free.
local budget = limit
local exhausted = false
if max_pages >= 0 then
  local start = book.start
  local used = tonumber(book.accepted or 0) - redis.call('HLEN', BODY)
    + redis.call('ZCARD', LEASED)
  if start == '2' or (start == '1' and redis.call('ZSCORE', LEASED, START_ID)) then used = used - 1 end
  exhausted = used >= max_pages
  budget = math.min(limit, max_pages - used)
end

-- Workers that asked within the last second share what may be leased of a host: who comes late gets some, too.
local fair_share = PER_HOST
if PER_HOST > 0 and limit > 0 then
  redis.call('ZADD', WORKERS, redis_time(NOW), worker)
  redis.call('ZREMRANGEBYSCORE', WORKERS, '-inf', redis_time(NOW - 1000))
  fair_share = math.ceil(PER_HOST / redis.call('ZCARD', WORKERS))
end

local chosen, hosts_of, scores_of = {}, {}, {}
local function note_flight(host, count)
  if PER_HOST > 0 and count > 0 then redis.call('HINCRBY', FLIGHT, worker .. '\n' .. host, count) end
  return redis.call('HINCRBY', FLIGHT, host, count)
end

-- Hosts that the worker skips are out of the turn while it is served. That costs a look-up for each of them, however
-- many others wait.
local skipped, skipped_names, skipped_turns = {}, {}, {}
for i = FIRST_SKIPPED, #ARGV do skipped[ARGV[i]] = true end

if budget > 0 and parked_pages() > 0 then unpark(budget, reads, skipped) end

local function put_skipped_aside()
  for i = FIRST_SKIPPED, #ARGV do
    local turn = redis.call('ZSCORE', HOSTS, ARGV[i])
    if turn then
      skipped_names[#skipped_names + 1] = ARGV[i]
      skipped_turns[#skipped_turns + 1], skipped_turns[#skipped_turns + 2] = turn, ARGV[i]
    end
  end
  in_parts(skipped_names, 'ZREM', HOSTS)
end

local function put_skipped_back() in_parts(skipped_turns, 'ZADD', HOSTS) end

local function take(host, count)
  local popped = count > 0 and redis.call('ZPOPMIN', BASE .. 'ready:' .. host, count) or {}
  for i = 1, #popped, 2 do
    local at = #chosen + 1
    chosen[at], hosts_of[at], scores_of[at] = popped[i], host, popped[i + 1]
  end
  local flight = note_flight(host, #popped / 2)
  if PER_HOST > 0 and flight >= PER_HOST then return end
  if redis.call('EXISTS', BASE .. 'ready:' .. host) == 1 then
    redis.call('ZADD', HOSTS, redis.call('HINCRBY', BOOKS, 'turn', 1), host)
  end
end

-- The first suspect whose host may be asked.
local function next_suspect(suspects)
  local refused = {}
  for _, id in ipairs(suspects) do
    local o = owner_of(id)
    if not refused[o.host] and not skipped[o.host] then
      local full = PER_HOST > 0 and tonumber(redis.call('HGET', FLIGHT, o.host) or 0) >= PER_HOST
      if not full and not redis.call('ZSCORE', HELD, o.host) then return id, o.host end
      refused[o.host] = true
    end
  end
end

-- Who always holds pages would never take a suspect. When suspects have waited for a ttl, one worker at a time is given
-- nothing else until its last page has ended; then it takes them, one after the other.
local function is_to_take_suspects()
  local solo = redis.call('HMGET', BOOKS, 'solo_worker', 'solo_until')
  if solo[1] and solo[1] ~= worker and tonumber(solo[2]) > NOW then return false end
  redis.call('HSET', BOOKS, 'solo_worker', worker, 'solo_until', redis_time(NOW + TTL))
  return true
end

-- The suspect that this worker gets, alone, and its host; or only true if it gets nothing now, to be free for one.
local function suspect_for_me()
  local suspects = redis.call('ZRANGE', SUSPECTS, 0, SUSPECTS_SEEN - 1)
  if #suspects == 0 then
    if book.suspects_at then redis.call('HDEL', BOOKS, 'suspects_at', 'solo_worker', 'solo_until') end
    return nil
  end
  local holding = redis.call('EXISTS', MINE) == 1
  local overdue = book.suspects_at and NOW - tonumber(book.suspects_at) >= TTL
  if holding and not overdue then return nil end
  local suspect, host = next_suspect(suspects)
  if not suspect then return nil end
  if overdue and not is_to_take_suspects() and holding then return nil end
  if holding then return true end
  return suspect, host
end

local alone = false
if budget > 0 and redis.call('HEXISTS', SOLO, worker) == 0 then
  local suspect, host_of_suspect = suspect_for_me()
  if suspect == true then
    alone = true
  elseif suspect then
    alone = true
    redis.call('ZREM', SUSPECTS, suspect)
    local flight = note_flight(host_of_suspect, 1)
    if PER_HOST > 0 and flight >= PER_HOST then redis.call('ZREM', HOSTS, host_of_suspect) end
    redis.call('HSET', SOLO, worker, suspect)
    chosen[1] = suspect
  end
  if not alone then put_skipped_aside() end
  local waiting = not alone and redis.call('ZCARD', HOSTS) or 0
  local passed_over = 0 -- hosts in a row of which this worker may have no more
  while waiting > 0 and #chosen < budget and passed_over < waiting do
    local share = math.max(1, math.floor((budget - #chosen) / waiting))
    local host = redis.call('ZPOPMIN', HOSTS, 1)[1]
    if PER_HOST > 0 then
      local flight = redis.call('HMGET', FLIGHT, host, worker .. '\n' .. host)
      local room = math.min(PER_HOST - tonumber(flight[1] or 0), fair_share - tonumber(flight[2] or 0))
      share = math.max(0, math.min(share, room))
    end
    take(host, share)
    passed_over = share > 0 and 0 or passed_over + 1
    waiting = redis.call('ZCARD', HOSTS)
  end
  put_skipped_back()
end

local at_limit = exhausted and redis.call('HLEN', BODY) > redis.call('ZCARD', LEASED) and 1 or 0
if #chosen == 0 then
  redis.call('HSET', BASE .. 'calls', worker, cmsgpack.pack(call, at_limit, token, {}))
  return answer('+', at_limit, token, no_leases())
end

local leases, deadlines, owners = no_leases(), {}, {}
local bodies, records = redis.call('HMGET', BODY, unpack(chosen)), redis.call('HMGET', OWNER, unpack(chosen))
for i, id in ipairs(chosen) do
  local o = unpacked_owner(records[i])
  if not o then
    o = {tries = 0, crash_tries = 0, suspect = 0, host = hosts_of[i], score = tonumber(scores_of[i])}
  end
  o.token, o.worker, o.staged = token, worker, 0
  if id == START_ID then note_book('start_run', server_run()) end
  local at = 3 + 5 * i
  leases[at + 1], leases[at + 2], leases[at + 3], leases[at + 4], leases[at + 5] =
    id, o.host, bodies[i], o.tries, o.suspect
  deadlines[2 * i - 1], deadlines[2 * i] = NOW + TTL, id
  owners[2 * i - 1], owners[2 * i] = id, owner_record(o)
end
in_parts(deadlines, 'ZADD', LEASED)
in_parts(owners, 'HSET', OWNER)
in_parts(chosen, 'SADD', MINE)
redis.call('HSET', BASE .. 'calls', worker, cmsgpack.pack(call, at_limit, token, chosen))
first_leased = first_leased or NOW + TTL
return answer('+', at_limit, token, leases)
