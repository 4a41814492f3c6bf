local done, dated = {}, {}
for i = 1, #KEYS / 2 do
  local key, lock = KEYS[2 * i - 1], KEYS[2 * i]
  local token, kind, field, value, ms = unpack(ARGV, 5 * i - 3, 5 * i + 1)
  if token ~= '' and redis.pcall('GET', lock) ~= token then
    done[i] = false
  elseif kind == 'plain' and ms == '' then
    done[i] = redis.pcall('SET', key, value)
  elseif kind == 'plain' then
    done[i] = redis.pcall('SET', key, value, 'PX', ms)
  else
    done[i] = redis.pcall('HSET', key, field, value)
    if type(done[i]) == 'number' and ms ~= '' and not dated[key] then
      dated[key] = true
      local expire = {'PEXPIRE', key, ms}
      if ARGV[1] ~= '' then expire[4] = ARGV[1] end
      local set = redis.pcall(unpack(expire))
      if type(set) == 'table' then done[i] = set end
    end
  end
end
return done
