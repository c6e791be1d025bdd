-- Forgets jobs that are not to be counted any more. ARGV = job and its score, again and again.

forget(1)
return 1
