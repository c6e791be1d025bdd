-- The kept counters: books, settled, rowcount, then open pages, delayed, leased and parked ones, shards of `seen`.

return {
  redis.call('HGETALL', BOOKS), redis.call('HGETALL', BASE .. 'settled'), redis.call('HGETALL', BASE .. 'rowcount'),
  redis.call('HLEN', BODY), redis.call('ZCARD', DELAYED), redis.call('ZCARD', LEASED),
  parked_pages(), tonumber(redis.call('HGET', BASE .. 'sets', 'seen:n') or 1),
}
