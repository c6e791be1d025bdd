-- Reserves a seat in a job for a node that is going to start a worker, if the job has work for one more.
--
-- ARGV[1] = token ('' = take none, only say how many are free), [2] = node, [3] = ttl in ms, [4] = workers that the job
-- may have, [5] = ready pages for each of them, [6] = what the node's workers read, as they say when they ask for pages.
-- Answers 1 or 0, seats that are free (after this call), seats that are held.
-- Safe to repeat: the token is that of the seat.

local token, ttl = ARGV[1], tonumber(ARGV[3])
local live, starting = live_seats(ttl)
local free = math.max(0, math.min(tonumber(ARGV[4]) - live, work_for(tonumber(ARGV[5]), tonumber(ARGV[6])) - starting))
if token == '' then return {0, free, live} end
if redis.call('HEXISTS', SEATS, token) == 1 then return {1, free, live} end
if free == 0 then return {0, 0, live} end
redis.call('HSET', SEATS, token, packed_seat({node = ARGV[2], since = NOW, deadline = NOW + ttl, worker = '', yields = 0}))
return {1, free - 1, live + 1}
