-- Keeps a new client.
--
-- KEYS[1] = PREFIX:{access}:clients (client -> record). ARGV[1] = client, [2] = its record; behind them see
-- `crawler/origin.lua`.
-- Answers 1, or 0 if there is another record of that client. Safe to repeat: the same record is there already.

if redis.call('HSETNX', KEYS[1], ARGV[1], ARGV[2]) == 1 then
  note()
  return 1
end
return redis.call('HGET', KEYS[1], ARGV[1]) == ARGV[2] and 1 or 0
