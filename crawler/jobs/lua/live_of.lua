-- Answers the time in ms, and all jobs that are counted with their scores.

return {now_ms(), redis.call('ZRANGE', LIVE, 0, -1, 'WITHSCORES')}
