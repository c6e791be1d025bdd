-- Holds a duty for a while, or goes on holding it.
--
-- KEYS[1] = the duty. ARGV[1] = token, [2] = ttl in ms. Answers 1, or 0 while another token holds it.

local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
redis.call('UNLINK', KEYS[1]) -- a server without memory refuses a script's first write, unless that frees some
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
