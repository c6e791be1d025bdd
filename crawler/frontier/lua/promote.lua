-- Takes back what is due, for those who lease nothing. Answers the ms until there is more to do; -1 without such a time.

if book.closed then return '-1' end
use_reserve()
note_time()
promote()
return redis_time(due_in(open_pages()))
