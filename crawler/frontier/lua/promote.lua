-- Takes back what is due, for those who lease nothing. Answers the ms until there is more to do; -1 without such a time.
-- While the job is paused that is also what is parked: after a pause whoever is there may try all of it again.

if book.closed then return '-1' end
use_reserve()
note_time()
promote()
if parked_pages() > 0 and redis.call('HGET', JOB, 'state') == 'paused' then unpark(AT_ONCE, nil, {}) end
return redis_time(due_in(open_pages()))
