-- What wrk sends, and how it judges each answer.
-- Arguments: expected status, least and most bytes of an answer, method, a file whose lines are
-- the bodies, and, where the path has a %d in it, the path and the first and last number for it.

local only

function setup(thread)
  only = thread
end

function init(arguments)
  status = tonumber(arguments[1])
  least, most = tonumber(arguments[2]), tonumber(arguments[3])
  wrk.method = arguments[4]
  wrong, sent, bodies = 0, 0, {}
  if arguments[5] ~= "" then
    for line in io.lines(arguments[5]) do
      table.insert(bodies, line)
    end
  end
  path, number, last = arguments[6], tonumber(arguments[7]), tonumber(arguments[8])
  if #bodies == 0 and not path then
    plain = wrk.format()
  end
end

function request()
  if plain then
    return plain
  end
  local body, here = nil, nil
  if #bodies > 0 then
    body = bodies[sent % #bodies + 1]
    sent = sent + 1
  end
  if path then
    -- Beyond the last one it goes on, to answers that are counted as wrong.
    here = string.format(path, number)
    number = number + 1
  end
  return wrk.format(nil, here, nil, body)
end

function response(answered, headers, body)
  if answered ~= status or #body < least or #body > most then
    wrong = wrong + 1
    if wrong == 1 then
      example = answered .. ", " .. #body .. " bytes: " .. string.gsub(string.sub(body, 1, 200), "[^%w ]", " ")
    end
  end
end

function done(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format(
    '\nMEASURED {"requests": %d, "seconds": %.6f, "p50": %.6f, "p99": %.6f, "wrong": %d, "lost": %d, "example": "%s"}\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e6, latency:percentile(99) / 1e6,
    only:get("wrong"), errors.connect + errors.read + errors.write + errors.timeout,
    only:get("example") or ""
  ))
end
