-- Notes what is done outside of the store: links to files are issued, files are published that were withheld.
--
-- KEYS[1] = PREFIX:{audit}:noted:TOKEN; behind it see `crawler/origin.lua`. ARGV[1] = ms for which the call may be
-- repeated.
-- Answers 1. Safe to repeat: the token says that it was noted.

redis.call('XDEL', AUDIT, '0-1') -- a server without memory refuses a script's first write, unless that frees some
if redis.call('EXISTS', KEYS[1]) == 0 then
  note()
  redis.call('SET', KEYS[1], 1, 'PX', ARGV[1])
end
return 1
