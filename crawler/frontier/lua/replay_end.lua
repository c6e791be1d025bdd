-- A job that replays has been given all that it needs; from now on it may end.
--
-- ARGV[3] = when that was begun, in ms, [4] = how many pages it was given. Answers 1, also if it was so before; 0 if the
-- server was started again since: what was given may be lost, and all of it is to be given once more.
-- Safe to repeat: what is prepared is not being prepared.

use_reserve()
if book.closed or redis.call('HGET', BOOKS, 'preparing') ~= '1' then return 1 end
if uptime_ms() < NOW - tonumber(ARGV[3]) then return 0 end
redis.call('HDEL', BOOKS, 'preparing')
redis.call('HSET', BOOKS, 'replayed', ARGV[4])
note_book('staged', redis_time(math.max(0, tonumber(book.staged or 0) - 1)))
return 1
