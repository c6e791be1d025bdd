-- Settles pages, each on its own: children, rows and outcome count and the lease is gone, or nothing changes.
--
-- ARGV[3] = rows that the job may keep (-1 = any), [4] = cmsgpack list of pages: packed, because each word of its own
-- costs the server as much again as what is done with it. A page is a list:
--   id, token, outcome, chain ('' = none), failure ({url, reason, how many answers
--   may be none, of which this is one unless its host is left alone, or 0, what the job is paused with if those are too many} or false), marks,
--   children, each {id, host, priority, chain ('' = none), on_progress}, rows, each {item, key ('0' = none), unique values},
--   number of rows that were rejected, and if there are any, the number of its staged parts (or false); last, of the
--   start page, whether what it has found was handed in by `enqueue`.
-- Ids and tokens are decimals in text. [5...] = the bodies of each page's children and rows, in order: cmsgpack knows
-- text and lists, but no bytes.
-- Answers per page '-' (stale) or '+', a letter per child (E enqueued, S seen, J joined, T stalled), '|', a letter per
-- row (S stored, D duplicate, N not unique, O over the limit). '?': some of its staged parts are not there (a store that
-- syncs once a second may lose them with its power), nothing has changed, and all of them are to be staged anew. A start
-- page during which the server was started again is ready once more, and stale: what was handed in may be lost.
-- Safe to repeat: the token is spent.

use_reserve()
note_time()
local max_rows = tonumber(ARGV[3])

-- Fields of a page, of a child and of a row.
local ID, TOKEN, OUTCOME, CHAIN, FAILURE, MARKS, KIDS, ROWS, REJECTED, PARTS, HANDED_IN = 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11

-- Whether a page of a list shows something that the list has not shown before.
local function show(page, o)
  if page[CHAIN] == '' then return true end
  local chain = BASE .. 'chain:' .. page[CHAIN]
  redis.call('SADD', CHAINS, page[CHAIN])
  local fresh = #page[MARKS] > 0 and redis.call('SADD', chain .. ':marks', unpack(page[MARKS])) or 0
  redis.call('SADD', chain .. ':pages', page[ID])
  return fresh > 0 or o.staged == 2
end

local function accept_child(child, body, progress)
  local id, chain = child[1], child[4]
  local pages = chain ~= '' and BASE .. 'chain:' .. chain .. ':pages'
  local looping = pages and redis.call('SISMEMBER', pages, id) == 1
  if looping or (child[5] and not progress) then
    redis.call('HINCRBY', BOOKS, 'stalled', 1)
    return 'T'
  end
  local accepted = accept(id, child[2], child[3], body)
  if not pages then return accepted and 'E' or 'S' end
  if not accepted then
    redis.call('HINCRBY', BOOKS, 'joined', 1)
    return 'J'
  end
  redis.call('SADD', CHAINS, chain)
  redis.call('SADD', pages, id)
  return 'E'
end

local function publish(page, o)
  redis.call('RPUSH', STAGED, BASE .. 'stage:' .. page[ID] .. ':' .. page[TOKEN])
  local staging = 'staging:' .. page[ID]
  local count = tonumber(redis.call('HGET', BOOKS, staging) or 0)
  note_book('staged', redis_time(tonumber(book.staged or 0) + count))
  note_book('stages', redis_time(tonumber(book.stages or 0) + 1))
  redis.call('HDEL', BOOKS, staging)
  o.staged = 0
end

-- Whether all parts of a large page are there. If they are not, those that are go: they are staged from the first one.
local function is_whole(page)
  if not page[PARTS] then return true end
  local stage = BASE .. 'stage:' .. page[ID] .. ':' .. page[TOKEN]
  if redis.call('LLEN', stage) == page[PARTS] then return true end
  redis.call('UNLINK', stage)
  redis.call('HDEL', BOOKS, 'staging:' .. page[ID])
  return false
end

local function may_have_lost_requests(page)
  return page[HANDED_IN] and book.start_run and server_run() ~= book.start_run
end

local function begin_again(page, o)
  let_go(page[ID], o)
  make_ready(page[ID], o)
  redis.call('HINCRBY', BOOKS, 'released', 1)
  return '-'
end

local function keep_rows(page, body_at, fates)
  local kept = {}
  local count = max_rows >= 0 and rows_so_far() or 0
  for i, row in ipairs(page[ROWS]) do
    local fate = keep_row(row[1], row[2], row[3], max_rows, count)
    if fate == 'S' then
      kept[#kept + 1], kept[#kept + 2] = row[1], ARGV[body_at + i]
      if row[1] ~= NOTE then count = count + 1 end
    end
    fates[#fates + 1] = fate
  end
  write_rows(page[ID], kept)
end

-- `body_at`: the word before its first body.
local function commit(page, body_at, o)
  local progress = show(page, o)
  if o.staged > 0 then publish(page, o) end
  local fates, going_on = {}, false
  for i, child in ipairs(page[KIDS]) do
    fates[i] = accept_child(child, ARGV[body_at + i], progress)
    going_on = going_on or (fates[i] == 'E' and child[4] == page[CHAIN])
  end
  if page[CHAIN] ~= '' and not going_on then
    redis.call('SREM', CHAINS, page[CHAIN])
    redis.call('UNLINK', BASE .. 'chain:' .. page[CHAIN] .. ':marks', BASE .. 'chain:' .. page[CHAIN] .. ':pages')
  end
  fates[#fates + 1] = '|'
  if #page[ROWS] > 0 then keep_rows(page, body_at + #page[KIDS], fates) end
  if (page[REJECTED] or 0) > 0 then redis.call('HINCRBY', BOOKS, 'rejected', page[REJECTED]) end
  local failure = page[FAILURE]
  if failure then
    note_failure(failure[1], page[OUTCOME], failure[2], o.tries)
    keep_failed(page[ID], page[OUTCOME], o.host)
    if failure[3] > 0 and not is_held(o.host) then kept_out(o.host, failure[3], failure[4]) end
  elseif page[OUTCOME] == 'ok' or page[OUTCOME] == 'not_modified' then
    let_in(o.host)
  end
  let_go(page[ID], o)
  settle(page[ID], page[OUTCOME])
  return '+' .. table.concat(fates)
end

local pages, ids, answers, spent = cmsgpack.unpack(ARGV[4]), {}, {}, {}
for i, page in ipairs(pages) do ids[i] = page[ID] end
local owners, body_at = redis.call('HMGET', OWNER, unpack(ids)), 4
for i, page in ipairs(pages) do
  local o = unpacked_owner(owners[i])
  if not o or o.token ~= page[TOKEN] or spent[page[ID]] then
    answers[i] = '-'
  elseif not is_whole(page) then
    answers[i] = '?'
  else
    spent[page[ID]] = true
    answers[i] = may_have_lost_requests(page) and begin_again(page, o) or commit(page, body_at, o)
  end
  body_at = body_at + #page[KIDS] + #page[ROWS]
end
flush()
flush_rows()
return answers
