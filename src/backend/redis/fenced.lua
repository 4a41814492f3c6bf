local how, done, dated = ARGV[1], {}, {}

-- The first lifetime that was given to a hash is the longest of its fields in this batch.
local function date(key, field, ms)
  if how == 'HPEXPIRE' then return redis.pcall('HPEXPIRE', key, ms, 'FIELDS', 1, field) end
  if dated[key] then return end
  dated[key] = true
  if how == '' then return redis.pcall('PEXPIRE', key, ms) end
  local set = redis.pcall('PEXPIRE', key, ms, 'NX')
  if how == 'NX' or type(set) == 'table' then return set end
  return redis.pcall('PEXPIRE', key, ms, how)
end

for i = 1, #KEYS / 2 do
  local key, lock = KEYS[2 * i - 1], KEYS[2 * i]
  local token, kind, field, value, ms = unpack(ARGV, 5 * i - 3, 5 * i + 1)
  if token ~= '' and redis.pcall('GET', lock) ~= token then
    done[i] = false
  elseif kind == 'plain' and ms == '' then
    done[i] = redis.pcall('SET', key, value)
  elseif kind == 'plain' then
    done[i] = redis.pcall('SET', key, value, 'PX', ms)
  elseif how == 'HSETEX' and ms ~= '' then
    done[i] = redis.pcall('HSETEX', key, 'PX', ms, 'FIELDS', 1, field, value)
  else
    done[i] = redis.pcall('HSET', key, field, value)
    if type(done[i]) == 'number' and ms ~= '' then
      local set = date(key, field, ms)
      if type(set) == 'table' and set.err then done[i] = set end
    end
  end
end
return done
