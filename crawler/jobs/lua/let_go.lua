-- Lets a duty go. KEYS[1] = the duty. ARGV[1] = token. Answers 1, or 0 if another token holds it, or none.

if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('UNLINK', KEYS[1])
