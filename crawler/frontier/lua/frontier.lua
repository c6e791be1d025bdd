-- What all scripts of a job's frontier stand on: its keys, its sets of ids, its queues and its leases.
--
-- KEYS[1] = PREFIX:{JOB}:books; every other key has the same tag and is derived from it:
--   books    hash    accepted, turn, retries, expired, released, stalled, joined, duplicates, not_unique, closed, start (1 = open,
--                    2 = settled), start_run (of the server, when it was leased), seen_at (ms of the last call), grace (ms; nothing is reaped before), full_at, full,
--                    stages (published and not yet unfolded), staged (requests in them), staging:ID (not yet published),
--                    rows_bytes, rows_limit (bytes of rows in the stream, and how many may be there while pages are
--                    given out; without a limit nobody takes rows away), segment, segment_digest, rows_from: see record
--                    parked (members of it), parked_from (how many of them `unpark` passes over), blocks (hosts in `blocks`)
--                    failed_bytes (of `failed`), preparing (1 = of a replay: what it knows of the first job comes in),
--                    replayed (pages of the first job that it fetches again), suspects_at (ms since when there are suspects), solo_worker, solo_until (who is to take them next)
--   body     hash    id -> encoded request, of every open page; one is ready, delayed, leased or parked
--   owner    hash    id -> cmsgpack(token, worker, tries, crash tries, suspect, staged, score, host), of every page that
--                    is leased or has been; token "0" while it is not leased
--   leased   zset    id -> deadline (ms)          delayed  zset    id -> not before (ms)
--   parked   zset    id -> what a worker must read to get it * 2^40 + order of arrival there
--   suspects zset    id -> when it became one: ready, but only for a worker that holds nothing else
--   ready:H  zset    id -> score, of host H: -priority * 2^40 + order of arrival
--   hosts    zset    host -> turn: hosts that may be asked now and have something ready
--   held     zset    host -> until (ms): hosts that asked for silence
--   flight   hash    host -> pages leased, and worker\nhost -> pages of it leased by one worker
--   held:W   set     ids leased by worker W       workers  zset    worker -> when it last asked for pages (ms)
--   solo     hash    worker -> id of the suspect it holds
--   calls    hash    worker -> number and answer of its last lease call
--   sets     hash    NAME:n = shards, NAME:c = members of a growing set (below)
--   set:NAME:K set   shard K of it: NAME is `seen` (requests), `k:ITEM` (keys of rows), `u:ITEM` (unique values)
--   chains   set     lists being read; chain:C:marks and chain:C:pages are sets of ids
--   settled  hash    outcome -> pages             rowcount hash    item -> rows
--   blocks   hash    host -> answers that were none (see blocks.lua)
--   failures stream  url, outcome, reason, tries, body of a request whose URL is not known
--   failed   hash    id -> outcome\nhost\nencoded request, of pages that failed, as far as there is room (see keep_failed)
--   segments list    records of the pieces of `rows` that are objects by now, and gone from there
--   rows     stream  per call: '', page id, then item, row, item, row ... of each page; no item is called '' or like NOTE
--   staged   list    stages that are published; stage:ID:TOKEN list of chunks of a page too large for one call
--   job      hash    state, intended ...: see crawler/jobs
--
-- ARGV[1] = leases per host at once (0 = any), ARGV[2] = ttl of leases in ms. Ids are signed 64-bit decimals (sets of
-- them stay as compact as integers can be), tokens unsigned ones; Lua never computes with either.

local BASE = string.sub(KEYS[1], 1, -6)
local BOOKS, BODY, OWNER = KEYS[1], BASE .. 'body', BASE .. 'owner'
local LEASED, DELAYED, SUSPECTS, PARKED = BASE .. 'leased', BASE .. 'delayed', BASE .. 'suspects', BASE .. 'parked'
local HOSTS, HELD, FLIGHT, SOLO = BASE .. 'hosts', BASE .. 'held', BASE .. 'flight', BASE .. 'solo'
local STAGED, CHAINS, JOB = BASE .. 'staged', BASE .. 'chains', BASE .. 'job'
local PER_HOST, TTL = tonumber(ARGV[1]), tonumber(ARGV[2])
local NOW = now_ms()
local START_ID = '1'
local NOTE = '-page' -- instead of an item, what is noted of the page: it goes along with the rows and is none of them
local ORDERS = 1099511627776 -- 2^40: arrivals that a score can tell apart within one priority, or one need
local MOST_URGENT = 4095 -- beyond it priorities are equal: a score is a double, exact to 2^53
local MAX_CRASH_TRIES = 5
local MAX_FAILED_BYTES = 67108864 -- 64 MiB: some 200,000 requests
local SHARD_LOAD = 200 -- members per shard on average; an unsplit one has up to twice that, and 512 is the limit
local AT_ONCE = 64 -- due pages, hosts or leases that one call takes back: with 200, calls took up to 5 ms

local function redis_time(value) return string.format('%.0f', value) end

-- The fields of BOOKS that most scripts look at, read at once.
local BOOK_FIELDS = {'closed', 'seen_at', 'full_at', 'full', 'start', 'staged', 'stages', 'start_run', 'grace', 'accepted', 'suspects_at', 'rows_bytes', 'rows_limit', 'parked', 'blocks'}
local book = {}
for i, value in ipairs(redis.call('HMGET', BOOKS, unpack(BOOK_FIELDS))) do book[BOOK_FIELDS[i]] = value end

local function note_book(field, value)
  book[field] = value
  redis.call('HSET', BOOKS, field, value)
end

-- Memory that is short refuses a script's first write, unless that frees memory. Calls that finish work must get in.
local function use_reserve() redis.call('HDEL', BOOKS, '-') end

-- Store downtime must not expire leases: after a silence of a third of a ttl that the server did not live through,
-- nothing is reaped for one ttl. (A server that was up all the time had no workers to hear from; their leases are due.)
local function note_time()
  local seen_at = tonumber(book.seen_at or NOW)
  local gap = NOW - seen_at
  if gap > TTL / 3 and uptime_ms() < gap then note_book('grace', redis_time(NOW + TTL)) end
  if gap > 100 or gap < 0 or not book.seen_at then note_book('seen_at', redis_time(NOW)) end
end

-- Growing sets: linear hashing (Litwin 1980), one shard split at a time, so that no call pays for many members and the
-- shards stay small enough for the compact encoding of integers. An id's last nine digits are its hash.

local sets = {}

local function set_named(name)
  local set = sets[name]
  if not set then
    local sizes = redis.call('HMGET', BASE .. 'sets', name .. ':n', name .. ':c')
    set = {n = tonumber(sizes[1] or 1), count = tonumber(sizes[2] or 0), added = 0, keys = {}, key = BASE .. 'set:' .. name .. ':'}
    set.half = 1
    while set.half * 2 <= set.n do set.half = set.half * 2 end
    sets[name] = set
  end
  return set
end

local function shard(set, id)
  local hash = tonumber(string.sub(id, -9))
  local k = hash % (set.half * 2)
  if k >= set.n then k = hash % set.half end
  local key = set.keys[k]
  if not key then
    key = set.key .. string.format('%d', k)
    set.keys[k] = key
  end
  return key
end

local function set_add(name, id)
  local set = set_named(name)
  if redis.call('SADD', shard(set, id), id) == 0 then return false end
  set.added = set.added + 1
  return true
end

local function set_has(name, id)
  return redis.call('SISMEMBER', shard(set_named(name), id), id) == 1
end

local function split(set)
  local old, moved = set.key .. string.format('%d', set.n - set.half), {}
  for _, id in ipairs(redis.call('SMEMBERS', old)) do
    if tonumber(string.sub(id, -9)) % (set.half * 2) == set.n then moved[#moved + 1] = id end
  end
  if #moved > 0 then
    redis.call('SREM', old, unpack(moved))
    redis.call('SADD', set.key .. string.format('%d', set.n), unpack(moved))
  end
  set.n = set.n + 1
  if set.half * 2 <= set.n then set.half = set.half * 2 end
end

local function flush_sets()
  for name, set in pairs(sets) do
    if set.added > 0 then
      set.count = set.count + set.added
      local splits = 0
      while set.count > set.n * SHARD_LOAD and splits < 8 do
        split(set)
        splits = splits + 1
      end
      redis.call('HSET', BASE .. 'sets', name .. ':n', set.n, name .. ':c', redis_time(set.count))
      set.added = 0
    end
  end
end

-- The store keeps its last quarter for what is under way. It is asked once a second, because asking costs as much as a
-- page.
local function store_is_full()
  local age = NOW - tonumber(book.full_at or 0)
  if age >= 0 and age < 1000 then return book.full == '1' end
  local memory = redis.call('INFO', 'memory')
  local used, most = string.match(memory, 'used_memory:(%d+)'), string.match(memory, '%smaxmemory:(%d+)')
  local full = most and tonumber(most) > 0 and tonumber(used) > 0.75 * tonumber(most)
  redis.call('HSET', BOOKS, 'full_at', redis_time(NOW), 'full', full and 1 or 0)
  return full
end

-- Whoever takes the rows away is behind, or away itself: no more pages until it is not.
local function rows_wait()
  return book.rows_limit and tonumber(book.rows_bytes or 0) > tonumber(book.rows_limit)
end

-- Queues and leases. Changes of one script are gathered, and written together at its end.

local ready_adds, landed, landed_of = {}, {}, {} -- by host, the last one by worker and host
local touched, is_touched = {}, {} -- hosts to be looked at, in order: `pairs` has none
local new_bodies, new_owners, unleased, settled_ids, unheld, outcomes = {}, {}, {}, {}, {}, {}
local accepted_now = 0

local function line_up(host)
  if redis.call('ZSCORE', HOSTS, host) then return end
  if redis.call('EXISTS', BASE .. 'ready:' .. host) == 0 or redis.call('ZSCORE', HELD, host) then return end
  if PER_HOST > 0 and tonumber(redis.call('HGET', FLIGHT, host) or 0) >= PER_HOST then return end
  redis.call('ZADD', HOSTS, redis.call('HINCRBY', BOOKS, 'turn', 1), host)
end

local function touch(host)
  if is_touched[host] then return end
  is_touched[host] = true
  touched[#touched + 1] = host
end

local function add_ready(host, id, score)
  touch(host)
  local adds = ready_adds[host]
  if not adds then
    adds = {}
    ready_adds[host] = adds
  end
  local at = #adds
  adds[at + 1], adds[at + 2] = score, id
end

-- A call with as many words as Lua can put on its stack, and no more.
local function in_parts(words, command, key)
  for first = 1, #words, 1000 do
    redis.call(command, key, unpack(words, first, math.min(first + 999, #words)))
  end
end

local function flush()
  in_parts(unleased, 'ZREM', LEASED)
  in_parts(settled_ids, 'HDEL', OWNER)
  in_parts(settled_ids, 'HDEL', BODY)
  for worker, ids in pairs(unheld) do in_parts(ids, 'SREM', BASE .. 'held:' .. worker) end
  for outcome, count in pairs(outcomes) do redis.call('HINCRBY', BASE .. 'settled', outcome, count) end
  in_parts(new_owners, 'HSET', OWNER)
  in_parts(new_bodies, 'HSET', BODY)
  if accepted_now > 0 then note_book('accepted', redis_time(tonumber(book.accepted or 0) + accepted_now)) end
  for host, count in pairs(landed) do
    if redis.call('HINCRBY', FLIGHT, host, -count) <= 0 then redis.call('HDEL', FLIGHT, host) end
  end
  for field, count in pairs(landed_of) do -- whoever knows no limit per host must not lose count of those who do
    if (PER_HOST > 0 or redis.call('HEXISTS', FLIGHT, field) == 1) and redis.call('HINCRBY', FLIGHT, field, -count) <= 0 then redis.call('HDEL', FLIGHT, field) end
  end
  for host, adds in pairs(ready_adds) do in_parts(adds, 'ZADD', BASE .. 'ready:' .. host) end
  for _, host in ipairs(touched) do line_up(host) end
  flush_sets()
  ready_adds, landed, landed_of, touched, is_touched = {}, {}, {}, {}, {}
  new_bodies, new_owners, unleased, settled_ids, unheld, outcomes = {}, {}, {}, {}, {}, {}
  accepted_now = 0
end

-- Pages.

local function unpacked_owner(record)
  if not record then return nil end
  local o = {}
  o.token, o.worker, o.tries, o.crash_tries, o.suspect, o.staged, o.score, o.host = cmsgpack.unpack(record)
  return o
end

local function owner_of(id) return unpacked_owner(redis.call('HGET', OWNER, id)) end

local function owner_record(o)
  return cmsgpack.pack(o.token, o.worker, o.tries, o.crash_tries, o.suspect, o.staged, o.score, o.host)
end

local function keep_owner(id, o)
  new_owners[#new_owners + 1] = id
  new_owners[#new_owners + 1] = owner_record(o)
end

local function accept(id, host, priority, body)
  if not set_add('seen', id) then return false end
  if id == START_ID then note_book('start', '1') end
  accepted_now = accepted_now + 1
  local order = tonumber(book.accepted or 0) + accepted_now
  local at = #new_bodies
  new_bodies[at + 1], new_bodies[at + 2] = id, body
  priority = math.max(-MOST_URGENT, math.min(MOST_URGENT, tonumber(priority)))
  add_ready(host, id, order - priority * ORDERS)
  return true
end

-- Takes a leased page from its holder; what becomes of it is the caller's business.
local function let_go(id, o)
  unleased[#unleased + 1] = id
  local mine = unheld[o.worker]
  if not mine then
    mine = {}
    unheld[o.worker] = mine
  end
  mine[#mine + 1] = id
  if o.suspect == 1 then redis.call('HDEL', SOLO, o.worker) end
  if o.staged > 0 then
    redis.call('UNLINK', BASE .. 'stage:' .. id .. ':' .. o.token)
    redis.call('HDEL', BOOKS, 'staging:' .. id)
  end
  touch(o.host)
  landed[o.host] = (landed[o.host] or 0) + 1
  local field = o.worker .. '\n' .. o.host
  landed_of[field] = (landed_of[field] or 0) + 1
  o.token, o.worker, o.staged = '0', '', 0
end

local function make_ready(id, o)
  keep_owner(id, o)
  if o.suspect == 1 then
    redis.call('ZADD', SUSPECTS, redis.call('HINCRBY', BOOKS, 'turn', 1), id)
    if not book.suspects_at then note_book('suspects_at', redis_time(NOW)) end
  else
    add_ready(o.host, id, o.score)
  end
end

local function parked_pages() return tonumber(book.parked or 0) end

-- Parked pages are ready again: those that need no more than `reads` (nil: all), of hosts that are not in `skipped`.
-- Where all that a call looks at are of such hosts, the next one that skips any goes on behind them.
local function unpark(limit, reads, skipped)
  local most = reads and '(' .. redis_time((reads + 1) * ORDERS) or '+inf'
  local from = next(skipped) and tonumber(redis.call('HGET', BOOKS, 'parked_from') or 0) or 0
  local found = redis.call('ZRANGEBYSCORE', PARKED, '-inf', most, 'LIMIT', from, AT_ONCE)
  local back = {}
  for i, record in ipairs(#found > 0 and redis.call('HMGET', OWNER, unpack(found)) or {}) do
    local o = unpacked_owner(record)
    if #back < limit and not skipped[o.host] then
      back[#back + 1] = found[i]
      make_ready(found[i], o)
    end
  end
  if #back == 0 then
    local on = #found == AT_ONCE and from + AT_ONCE or 0
    if on ~= from then redis.call('HSET', BOOKS, 'parked_from', redis_time(on)) end
    return
  end
  in_parts(back, 'ZREM', PARKED)
  note_book('parked', redis_time(parked_pages() - #back))
  flush()
end

-- `body`: of the request, where the caller does not know its URL.
local function note_failure(url, outcome, reason, tries, body)
  redis.call('XADD', BASE .. 'failures', 'MAXLEN', '~', 10000, '*',
    'url', url, 'outcome', outcome, 'reason', reason, 'tries', tries, 'body', body or '')
end

-- A page that failed may be replayed by another job: its request is kept until the job's files are made.
local function keep_failed(id, outcome, host)
  local body = id ~= START_ID and redis.call('HGET', BODY, id)
  if not body then return end
  if redis.call('HINCRBY', BOOKS, 'failed_bytes', #body) > MAX_FAILED_BYTES then
    redis.call('HINCRBY', BOOKS, 'failed_bytes', -#body)
    return
  end
  redis.call('HSET', BASE .. 'failed', id, outcome .. '\n' .. host .. '\n' .. body)
end

local function settle(id, outcome)
  settled_ids[#settled_ids + 1] = id
  if id == START_ID then note_book('start', '2') end
  outcomes[outcome] = (outcomes[outcome] or 0) + 1
end

-- An expired lease proves nothing about a page; only one that was held alone counts against it.
local function expire(id)
  local o = owner_of(id)
  local alone = o.suspect == 1
  let_go(id, o)
  redis.call('HINCRBY', BOOKS, 'expired', 1)
  if alone then o.crash_tries = o.crash_tries + 1 end
  if o.crash_tries >= MAX_CRASH_TRIES then
    note_failure('', 'poison', 'its holders died', o.tries, redis.call('HGET', BODY, id))
    keep_failed(id, 'poison', o.host)
    settle(id, 'poison')
    return
  end
  o.suspect = 1
  make_ready(id, o)
end

-- Rows.

local row_counts = {}

local function keep_row(item, key, unique, max_rows, count)
  if item == NOTE then return 'S' end
  local may_be_refused = max_rows >= 0 or #unique > 0 -- then the key is not to be remembered yet
  local known
  if key ~= '0' then
    if may_be_refused then known = set_has('k:' .. item, key) else known = not set_add('k:' .. item, key) end
  end
  if known then
    redis.call('HINCRBY', BOOKS, 'duplicates', 1)
    return 'D'
  end
  for _, value in ipairs(unique) do
    if set_has('u:' .. item, value) then
      redis.call('HINCRBY', BOOKS, 'not_unique', 1)
      return 'N'
    end
  end
  if max_rows >= 0 and count >= max_rows then return 'O' end
  if key ~= '0' and may_be_refused then set_add('k:' .. item, key) end
  for _, value in ipairs(unique) do set_add('u:' .. item, value) end
  row_counts[item] = (row_counts[item] or 0) + 1
  return 'S'
end

local function rows_so_far()
  local count = 0
  for _, n in ipairs(redis.call('HVALS', BASE .. 'rowcount')) do count = count + tonumber(n) end
  for _, n in pairs(row_counts) do count = count + n end
  return count
end

-- All rows of a call are one entry: each entry would cost as much again as its rows.
local row_entry = {}

local function write_rows(page, kept)
  if #kept == 0 then return end
  local at = #row_entry
  row_entry[at + 1], row_entry[at + 2] = '', page
  for i, word in ipairs(kept) do row_entry[at + 2 + i] = word end
end

local function flush_rows()
  if #row_entry > 0 then
    redis.call('XADD', BASE .. 'rows', '*', unpack(row_entry))
    local bytes = 0
    for i = 2, #row_entry, 2 do
      if row_entry[i - 1] ~= '' then bytes = bytes + #row_entry[i] end
    end
    redis.call('HINCRBY', BOOKS, 'rows_bytes', bytes)
  end
  for item, n in pairs(row_counts) do redis.call('HINCRBY', BASE .. 'rowcount', item, n) end
  row_entry, row_counts = {}, {}
end

-- What is published of a large page is looked at in chunks: {'c', id, host, priority, body, ...},
-- {'m', chain, mark, ...}, {'r', page, max_rows, item, body, key, uniques, unique ..., ...}.

local function unfold_rows(chunk)
  local kept, i, max_rows = {}, 4, tonumber(chunk[3])
  local count = max_rows >= 0 and rows_so_far() or 0
  while i <= #chunk do
    local unique, uniques = {}, tonumber(chunk[i + 3])
    for u = 1, uniques do unique[u] = chunk[i + 3 + u] end
    if keep_row(chunk[i], chunk[i + 2], unique, max_rows, count) == 'S' then
      kept[#kept + 1], kept[#kept + 2] = chunk[i], chunk[i + 1]
      if chunk[i] ~= NOTE then count = count + 1 end
    end
    i = i + 4 + uniques
  end
  write_rows(chunk[2], kept)
  flush_rows()
end

local function unfold()
  local stage = tonumber(book.stages or 0) > 0 and redis.call('LINDEX', STAGED, 0)
  if not stage then return end
  local packed = redis.call('LPOP', stage)
  if packed then
    local chunk = cmsgpack.unpack(packed)
    local kind, entries = chunk[1], tonumber(book.staged or 0)
    if kind == 'c' then
      for i = 2, #chunk, 4 do accept(chunk[i], chunk[i + 1], chunk[i + 2], chunk[i + 3]) end
      note_book('staged', redis_time(math.max(0, entries - (#chunk - 1) / 4)))
    elseif kind == 'm' then
      if redis.call('SISMEMBER', CHAINS, chunk[2]) == 1 then
        redis.call('SADD', BASE .. 'chain:' .. chunk[2] .. ':marks', unpack(chunk, 3))
      end
    else
      unfold_rows(chunk)
    end
  end
  if redis.call('EXISTS', stage) == 0 then
    redis.call('LPOP', STAGED)
    note_book('stages', redis_time(book.stages - 1))
  end
end

local function first_score(key)
  return tonumber(redis.call('ZRANGE', key, 0, 0, 'WITHSCORES')[2])
end

local function first_expiry()
  local leased = first_score(LEASED)
  return leased and math.max(leased, tonumber(book.grace or 0))
end

-- What is due goes back: delayed pages, hosts whose silence is over, expired leases, one chunk of what is staged.
local first_delayed, first_held, first_leased

local function promote()
  first_delayed, first_held, first_leased = first_score(DELAYED), first_score(HELD), first_expiry()
  if first_delayed and first_delayed <= NOW then
    local due = redis.call('ZRANGEBYSCORE', DELAYED, '-inf', NOW, 'LIMIT', 0, AT_ONCE)
    redis.call('ZREM', DELAYED, unpack(due))
    for i, record in ipairs(redis.call('HMGET', OWNER, unpack(due))) do make_ready(due[i], unpacked_owner(record)) end
    first_delayed = first_score(DELAYED)
  end
  if first_held and first_held <= NOW then
    local free = redis.call('ZRANGEBYSCORE', HELD, '-inf', NOW, 'LIMIT', 0, AT_ONCE)
    redis.call('ZREM', HELD, unpack(free))
    for _, host in ipairs(free) do touch(host) end
    first_held = first_score(HELD)
  end
  if first_leased and first_leased <= NOW then
    for _, id in ipairs(redis.call('ZRANGEBYSCORE', LEASED, '-inf', NOW, 'LIMIT', 0, AT_ONCE)) do expire(id) end
    flush()
    first_leased = first_expiry()
  end
  unfold()
  flush()
end

-- Milliseconds until `promote` has something to do; -1 without such a time. Only after `promote`.
local function due_in(open)
  if tonumber(book.stages or 0) > 0 then return 0 end
  if open == 0 then return -1 end
  local due = -1
  for _, at in pairs({a = first_delayed, b = first_held, c = first_leased}) do
    local wait = math.max(0, at - NOW)
    if due < 0 or wait < due then due = wait end
  end
  return due
end

-- Pages that are not settled yet; what is staged counts, lest a job ends before it is unfolded.
local function open_pages()
  return redis.call('HLEN', BODY) + tonumber(book.staged or 0) + tonumber(book.stages or 0)
end
