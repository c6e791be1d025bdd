-- Notes a change of a job's state in the audit, for the scripts that are asked for one; see `crawler/origin.lua`.

local function note_state(before, after, intended)
  if WORDS == '' then return end
  local of = redis.call('HGET', JOB, 'client')
  note(cjson.encode({state = before}), cjson.encode({state = after, intended = intended}), of)
end
