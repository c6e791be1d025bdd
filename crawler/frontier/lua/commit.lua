-- Settles pages, each on its own: children, rows and outcome count and the lease is gone, or nothing changes.
--
-- ARGV[3] = rows that the job may keep (-1 = any), then per page:
--   id, token, outcome, chain ('' = none),
--   failure: '' or '1' url reason,
--   number of marks, the marks,
--   number of children, each id, host, priority, body, chain ('' = none), on_progress ('1' or ''),
--   number of rows, each item, body, key ('0' = none), number of unique values, the values.
-- Answers per page '-' (stale) or '+', a letter per child (E enqueued, S seen, J joined, T stalled), '|', a letter per
-- row (S stored, D duplicate, N not unique, O over the limit).
-- Safe to repeat: the token is spent.

use_reserve()
note_time()
local max_rows = tonumber(ARGV[3])
local at = 3

local function read()
  at = at + 1
  return ARGV[at]
end

local function read_all(count)
  local words = {}
  for i = 1, count do words[i] = read() end
  return words
end

local function read_page()
  local page = {id = read(), token = read(), outcome = read(), chain = read()}
  if read() == '1' then page.url, page.reason = read(), read() end
  page.marks = read_all(tonumber(read()))
  page.children, page.rows = {}, {}
  for i = 1, tonumber(read()) do page.children[i] = read_all(6) end
  for i = 1, tonumber(read()) do
    page.rows[i] = read_all(3)
    page.rows[i].unique = read_all(tonumber(read()))
  end
  return page
end

-- Whether a page of a list shows something that the list has not shown before.
local function show(page, o)
  if page.chain == '' then return true end
  local chain = BASE .. 'chain:' .. page.chain
  redis.call('SADD', CHAINS, page.chain)
  local fresh = #page.marks > 0 and redis.call('SADD', chain .. ':marks', unpack(page.marks)) or 0
  redis.call('SADD', chain .. ':pages', page.id)
  return fresh > 0 or o.staged == 2
end

local function accept_child(child, progress)
  local id, chain = child[1], child[5]
  local pages = chain ~= '' and BASE .. 'chain:' .. chain .. ':pages'
  local looping = pages and redis.call('SISMEMBER', pages, id) == 1
  if looping or (child[6] == '1' and not progress) then
    redis.call('HINCRBY', BOOKS, 'stalled', 1)
    return 'T'
  end
  local accepted = accept(id, child[2], child[3], child[4])
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
  redis.call('RPUSH', STAGED, BASE .. 'stage:' .. page.id .. ':' .. page.token)
  local staging = 'staging:' .. page.id
  local count = tonumber(redis.call('HGET', BOOKS, staging) or 0)
  note_book('staged', redis_time(tonumber(book.staged or 0) + count))
  note_book('stages', redis_time(tonumber(book.stages or 0) + 1))
  redis.call('HDEL', BOOKS, staging)
  o.staged = 0
end

local function commit(page, o)
  local progress = show(page, o)
  if o.staged > 0 then publish(page, o) end
  local fates, going_on = {}, false
  for i, child in ipairs(page.children) do
    fates[i] = accept_child(child, progress)
    going_on = going_on or (fates[i] == 'E' and child[5] == page.chain)
  end
  if page.chain ~= '' and not going_on then
    redis.call('SREM', CHAINS, page.chain)
    redis.call('UNLINK', BASE .. 'chain:' .. page.chain .. ':marks', BASE .. 'chain:' .. page.chain .. ':pages')
  end
  fates[#fates + 1] = '|'
  local kept = {}
  local count = max_rows >= 0 and #page.rows > 0 and rows_so_far() or 0
  for _, row in ipairs(page.rows) do
    local fate = keep_row(row[1], row[2], row[3], row.unique, max_rows, count)
    if fate == 'S' then
      kept[#kept + 1], kept[#kept + 2] = row[1], row[2]
      count = count + 1
    end
    fates[#fates + 1] = fate
  end
  write_rows(page.id, kept)
  if page.url then note_failure(page.url, page.outcome, page.reason, o.tries) end
  let_go(page.id, o)
  settle(page.id, page.outcome)
  return '+' .. table.concat(fates)
end

local pages, ids, answers, spent = {}, {}, {}, {}
while at < #ARGV do
  local page = read_page()
  pages[#pages + 1], ids[#ids + 1] = page, page.id
end
local owners = redis.call('HMGET', OWNER, unpack(ids))
for i, page in ipairs(pages) do
  local o = unpacked_owner(owners[i])
  if not o or o.token ~= page.token or spent[page.id] then
    answers[i] = '-'
  else
    spent[page.id] = true
    answers[i] = commit(page, o)
  end
end
flush()
flush_row_counts()
return answers
