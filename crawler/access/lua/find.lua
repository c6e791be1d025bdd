-- A key and its client, in one look.
--
-- KEYS[1] = PREFIX:{access}:keys (id -> record), [2] = PREFIX:{access}:owners (id -> client), [3] =
-- PREFIX:{access}:clients (client -> record). ARGV[1] = id of the key.
-- Answers the record of the key, that of its client, the time in ms. A key that is not known costs what one does that is.

local record = redis.call('HGET', KEYS[1], ARGV[1])
local owner = redis.call('HGET', KEYS[2], ARGV[1])
local client = redis.call('HGET', KEYS[3], owner or '-')
return {record, client, string.format('%.0f', now_ms())}
