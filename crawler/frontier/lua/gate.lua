-- One worker's call about one host: what it may send, and when. The rules are those of gate_contract.py; gate_memory.py
-- says the same in the same order, a change belongs in both.
--
-- KEYS[1] = PREFIX:{host:HOST}:gate              what is known of the host, and who takes part
-- KEYS[2] = PREFIX:{host:HOST}:gate:worker:W     the worker's slots, and its last answer
-- KEYS[3] = PREFIX:{host:HOST}:gate:job:J        the rhythm of the worker's job on this host, if it has one of its own
-- Each is one cmsgpack map, so that a call costs a few commands however many slots there are:
--   host    last (start), delay (adaptive), latency (mean), silent_until, crawl_delay, crawl_delay_until,
--           order (places given so far), seen_at, grace (no slot expires before), kept_until,
--           workers: name -> entry, a list as below
--   worker  call, slots: list of token, deadline, token, deadline ..., kept_until, and the last answer:
--           told (tokens), starts, free_until, wait_until, delay, contended
--   job     last, delay, kept_until
--
-- ARGV[1] = worker, [2] = cmsgpack list: call, job, want, busy, tokens to keep, tokens given up, tokens for new slots,
-- site's pace, own pace, latencies (list of ms, ok, ms, ok ...), silence, Crawl-delay (-1: not known). A pace is
-- {concurrency, delay, adaptive, start delay, longest delay, target concurrency}. Tokens are decimals in text, times
-- are ms.
-- Answers tokens held, ms until each start, until the end of free starts, until asking again, until the end of silence,
-- the delay in force, 1 if contended. An older call than the last gets an empty list.
-- Safe to repeat: the number of the last call gets the same answer, seen from now.

local NOW = now_ms()
local WORKER = ARGV[1]
local CALL, JOB, WANT, BUSY, KEEP, GIVE_UP, NEW_SLOTS, SITE, OWN, LATENCIES, SILENCE, CRAWL_DELAY =
  unpack(cmsgpack.unpack(ARGV[2]))

-- Fields of the entry of a worker that takes part. It has two places in queues, for slots and for starts: a place has a
-- number, what is missing, whether it is the job's own limit that is waited for, and when it is lost. A list, because
-- names would cost more to pack than the rest of it. The first fields are those of a pace, too.
local LIMIT, DELAY, ADAPTIVE, OF_JOB, HELD, DEADLINE, FOR_SLOTS, FOR_STARTS = 1, 2, 3, 4, 5, 6, 7, 11
local ORDER, MISSING, BY_JOB, LOST_AT = 0, 1, 2, 3
local START_DELAY, LONGEST_DELAY, TARGET = 4, 5, 6

local function kept(key)
  local packed = redis.call('GET', key)
  local value = packed and cmsgpack.unpack(packed)
  return value and value.kept_until > NOW and value or nil
end

local function keep(key, value, ms)
  value.kept_until = NOW + ms
  redis.call('SET', key, cmsgpack.pack(value), 'PX', ms)
end

local host = kept(KEYS[1]) or {silent_until = 0, crawl_delay = 0, crawl_delay_until = 0, order = 0, workers = {}}
local worker = kept(KEYS[2]) or {call = 0, slots = {}}
local grace = host.grace or 0

local function lives(deadline) return deadline > NOW or grace > NOW end

-- Nothing lies further ahead than it could have been put: a clock that was put back must not stop a host for long.
local function not_beyond(moment, ms) return math.min(moment, NOW + ms) end

-- The last answer, as seen from now.
local function told()
  local silent, starts = math.max(0, host.silent_until - NOW), {}
  for _, start in ipairs(worker.starts) do
    if silent == 0 and start >= NOW then starts[#starts + 1] = start - NOW end
  end
  local free, wait = math.max(0, worker.free_until - NOW), math.max(silent, worker.wait_until - NOW, 0)
  local contended = worker.contended and 1 or 0
  return {worker.told, starts, silent == 0 and free or 0, wait, silent, worker.delay, contended}
end

local function told_again()
  local has, tokens = {}, {}
  for i = 1, #worker.slots, 2 do has[worker.slots[i]] = lives(worker.slots[i + 1]) end
  for _, token in ipairs(worker.told) do
    if has[token] then tokens[#tokens + 1] = token end
  end
  worker.told = tokens
  return told()
end

if CALL < worker.call then return {} end
if CALL == worker.call then return told_again() end

-- Memory that is short refuses a script's first write, unless that frees memory: what is under way must be sent.
redis.call('DEL', KEYS[2])

-- Store downtime must not expire slots: their requests may still be open.
local gap = NOW - (host.seen_at or NOW)
if gap > SLOT_TTL_MS / 3 and uptime_ms() < gap then
  grace = NOW + SLOT_TTL_MS
  host.grace = grace
end
host.seen_at = NOW

-- Who takes part: holds slots, or stands in a queue.

local me = host.workers[WORKER] or {0, 0, false, JOB, 0, 0, 0, 0, false, 0, 0, 0, false, 0}

local function waits(entry, queue) return entry[queue + LOST_AT] > NOW end

local others = {}
for name, entry in pairs(host.workers) do
  entry[DEADLINE] = not_beyond(entry[DEADLINE], SLOT_TTL_MS)
  if not lives(entry[DEADLINE]) then entry[HELD] = 0 end
  if entry[HELD] == 0 and not waits(entry, FOR_SLOTS) and not waits(entry, FOR_STARTS) then
    host.workers[name] = nil
  elseif name ~= WORKER then
    others[#others + 1] = entry
  end
end

-- What is known of the host.

local has_delay = OWN[DELAY] > 0 or OWN[ADAPTIVE]
local job = has_delay and kept(KEYS[3]) or {}
for _, rhythm in ipairs({host, job}) do
  if rhythm.last then rhythm.last = not_beyond(rhythm.last, WINDOW_MS) end
end
host.silent_until = host.silent_until > NOW and not_beyond(host.silent_until, LONGEST_MS) or 0
if SILENCE > 0 then host.silent_until = math.max(host.silent_until, NOW + SILENCE) end
if CRAWL_DELAY >= 0 then
  host.crawl_delay, host.crawl_delay_until = CRAWL_DELAY, NOW + CRAWL_DELAY_KEPT_MS
end
for i = 1, #LATENCIES, 2 do
  local latency = LATENCIES[i]
  host.latency = host.latency and host.latency + (latency - host.latency) * LATENCY_WEIGHT or latency
end

-- The delays in force. AutoThrottle as in gate_pace.py.

local function throttled(delay, pace)
  local lowest, highest = pace[DELAY], math.max(pace[DELAY], pace[LONGEST_DELAY])
  delay = math.min(math.max(delay or pace[START_DELAY], lowest), highest)
  for i = 1, #LATENCIES, 2 do
    local target = LATENCIES[i] / pace[TARGET]
    local new = math.min(math.max(target, (delay + target) / 2, lowest), highest)
    if LATENCIES[i + 1] or new > delay then delay = new end
  end
  return delay
end

local function rounded_up(ms) return ms >= 1 and math.ceil(ms - 1e-6) or 0 end  -- less than one is none

if SITE[ADAPTIVE] then host.delay = throttled(host.delay, SITE) end
if OWN[ADAPTIVE] then job.delay = throttled(job.delay, OWN) end
local limit, delay, adaptive = SITE[LIMIT], SITE[DELAY], SITE[ADAPTIVE]
for _, other in ipairs(others) do
  if other[LIMIT] > 0 then limit = limit > 0 and math.min(limit, other[LIMIT]) or other[LIMIT] end
  delay, adaptive = math.max(delay, other[DELAY]), adaptive or other[ADAPTIVE]
end
if host.crawl_delay_until > NOW then delay = math.max(delay, host.crawl_delay) end
if adaptive and host.delay then delay = math.max(delay, rounded_up(host.delay)) end
local own_delay = OWN[ADAPTIVE] and math.max(OWN[DELAY], rounded_up(job.delay)) or OWN[DELAY]

-- Slots.

local function set(list)
  local members = {}
  for _, member in ipairs(list) do members[member] = true end
  return members
end

local given_up, staying, slots, has, tokens = set(GIVE_UP), set(KEEP), {}, {}, {}
for i = 1, #worker.slots, 2 do
  local token, deadline = worker.slots[i], not_beyond(worker.slots[i + 1], SLOT_TTL_MS)
  if lives(deadline) and not given_up[token] then
    slots[#slots + 1] = token
    slots[#slots + 1] = staying[token] and NOW + SLOT_TTL_MS or deadline
    has[token] = true
  end
end
for _, token in ipairs(KEEP) do
  if has[token] and staying[token] then
    tokens[#tokens + 1] = token
    staying[token] = nil -- named twice, it is still one slot
  end
end

-- The number in a queue; behind all others without a place in it.
local function order(queue) return waits(me, queue) and me[queue + ORDER] or ANY end

local function leave(queue) me[queue + LOST_AT] = 0 end

-- Where the worker stands from now on; who has been served goes to the end.
local function queue_up(queue, missing, served, by_job, asks_at)
  if missing <= 0 then return leave(queue) end
  if served or not waits(me, queue) then
    host.order = host.order + 1
    me[queue + ORDER] = host.order
  end
  me[queue + MISSING], me[queue + BY_JOB], me[queue + LOST_AT] = missing, by_job, asks_at + PLACE_MS
end

-- What a limit leaves for this worker when those before it have got their share: free slots, that share, and whether
-- anybody waits.
local function room(most, by_job)
  if most <= 0 then return ANY, ANY, false end
  local mine, held, claimants, before, waited_for = order(FOR_SLOTS), #slots / 2, 1, {}, false
  for _, other in ipairs(others) do
    if not by_job or other[OF_JOB] == JOB then
      local waiting = waits(other, FOR_SLOTS) and other[FOR_SLOTS + BY_JOB] == by_job
      held = held + other[HELD]
      if waiting or other[HELD] > 0 then claimants = claimants + 1 end
      waited_for = waited_for or waiting
      if waiting and other[FOR_SLOTS + ORDER] < mine then before[#before + 1] = other end
    end
  end
  local share, reserved = math.floor(most / claimants), 0
  for _, other in ipairs(before) do
    reserved = reserved + math.max(0, math.min(other[FOR_SLOTS + MISSING], math.max(share, 1) - other[HELD]))
  end
  return math.max(0, most - held - reserved), share, waited_for
end

local function grant_slots()
  local free, share, waited_for = room(limit, false)
  local own_free, own_share, own_waited_for = room(OWN[LIMIT], true)
  local asked, granted = 0, 0
  for _, token in ipairs(NEW_SLOTS) do
    if not has[token] and asked < WANT then
      asked, has[token] = asked + 1, true
      if granted < math.min(free, own_free) then
        granted = granted + 1
        slots[#slots + 1] = token
        slots[#slots + 1] = NOW + SLOT_TTL_MS
        tokens[#tokens + 1] = token
      end
    end
  end
  queue_up(FOR_SLOTS, asked - granted, granted > 0, own_free < free, NOW)
  local held = #slots / 2
  worker.contended = (waited_for and held > share) or (own_waited_for and held > own_share)
end

-- Starts.

local function next_start(rhythm, spacing)
  if spacing == 0 or not rhythm.last then return NOW end
  return math.max(NOW, rhythm.last + spacing)
end

local function passed(rhythm, moment) rhythm.last = math.max(rhythm.last or moment, moment) end

-- How many starts find a free slot within the window: one for each idle slot, and those that come free.
local function usable()
  local idle = math.max(0, #tokens - math.max(0, BUSY))
  if not host.latency then return idle end
  return idle + math.floor(#tokens * WINDOW_MS / math.max(host.latency, 1))
end

-- Whether another waits for a start that this worker would take.
local function is_rival(other)
  if not waits(other, FOR_STARTS) then return false end
  if other[FOR_STARTS + BY_JOB] then return own_delay > 0 and other[OF_JOB] == JOB end
  return delay > 0
end

-- How much time those in the queue will take, of the host's and of the job's.
local function reserved(rivals, most)
  local of_site, of_job = 0, 0
  for _, rival in ipairs(rivals) do
    local missing = math.min(rival[FOR_STARTS + MISSING], most)
    if rival[FOR_STARTS + BY_JOB] then of_job = of_job + missing else of_site = of_site + missing end
  end
  return of_site * delay, of_job * own_delay
end

local function grant_spaced(step)
  local wanted, rivals, before = math.min(WANT, usable()), {}, {}
  for _, other in ipairs(others) do
    if is_rival(other) then
      rivals[#rivals + 1] = other
      if other[FOR_STARTS + ORDER] < order(FOR_STARTS) then before[#before + 1] = other end
    end
  end
  local most = math.max(1, math.floor((math.floor(WINDOW_MS / step) + 1) / (1 + #rivals)))
  local first = math.max(next_start(host, delay), next_start(job, own_delay))
  local of_site, of_job = reserved(before, most)
  local horizon = NOW + WINDOW_MS - of_site - of_job
  local granted = math.min(wanted, most, math.max(0, math.floor((horizon - first) / step) + 1))
  for i = 1, granted do worker.starts[i] = first + (i - 1) * step end
  if granted > 0 then
    passed(host, worker.starts[granted])
    passed(job, worker.starts[granted])
    of_site, of_job = reserved(rivals, most)
  end
  local next_of_site = next_start(host, delay) + of_site
  local next_of_job = next_start(job, own_delay) + of_job
  worker.wait_until = NOW + POLL_MS
  if wanted > 0 then worker.wait_until = math.max(NOW, math.max(next_of_site, next_of_job) - EARLY_MS) end
  queue_up(FOR_STARTS, wanted - granted, granted > 0, next_of_job > next_of_site, worker.wait_until)
end

local function grant_starts()
  local step = math.max(delay, own_delay)
  if WANT > 0 and #tokens > 0 and step > 0 then return grant_spaced(step) end
  leave(FOR_STARTS)
  if WANT <= 0 then return end
  if #tokens == 0 then
    worker.wait_until = NOW + POLL_MS
  else
    worker.free_until = NOW + WINDOW_MS
    worker.wait_until = worker.free_until - EARLY_MS
    passed(host, worker.free_until)
  end
end

worker.call, worker.slots, worker.told, worker.starts = CALL, slots, tokens, {}
worker.free_until, worker.wait_until, worker.delay, worker.contended = 0, 0, math.max(delay, own_delay), false
if host.silent_until <= NOW then
  grant_slots()
  grant_starts()
end

-- The end.

local deadline = 0
for i = 2, #slots, 2 do deadline = math.max(deadline, slots[i]) end
me[LIMIT], me[DELAY], me[ADAPTIVE], me[OF_JOB] = SITE[LIMIT], SITE[DELAY], SITE[ADAPTIVE], JOB
me[HELD], me[DEADLINE] = #slots / 2, deadline
host.workers[WORKER] = me
local host_kept_ms = math.max(HOST_KEPT_MS, host.silent_until - NOW)
if host.crawl_delay > 0 then host_kept_ms = math.max(host_kept_ms, host.crawl_delay_until - NOW) end
keep(KEYS[1], host, host_kept_ms)
keep(KEYS[2], worker, WORKER_KEPT_MS)
if has_delay then keep(KEYS[3], job, HOST_KEPT_MS) end
return told()
