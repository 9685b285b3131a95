-- What wrk sends, and how it checks each answer.
-- Arguments: expected status, fewest and most bytes of an answer, method, body, and, where the path
-- has a %d in it, the path and the first id for it.

local thread

function setup(started)
  thread = started
end

function init(arguments)
  status = tonumber(arguments[1])
  fewest, most = tonumber(arguments[2]), tonumber(arguments[3])
  wrk.method = arguments[4]
  if arguments[5] ~= "" then
    wrk.body = arguments[5]
  end
  path, id = arguments[6], tonumber(arguments[7])
  wrong, example = 0, ""
  same = wrk.format()
end

function request()
  if not path then
    return same
  end
  id = id + 1
  return wrk.format(nil, string.format(path, id - 1))
end

function response(answered, headers, body)
  if answered ~= status or #body < fewest or #body > most then
    wrong = wrong + 1
    example = answered .. " " .. string.gsub(string.sub(body, 1, 200), "[^%w ]", " ")
  end
end

function done(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format(
    '\nMEASURED {"requests": %d, "seconds": %.6f, "p50": %.6f, "p99": %.6f, "wrong": %d, "example": "%s"}\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e6, latency:percentile(99) / 1e6,
    thread:get("wrong") + errors.connect + errors.read + errors.write + errors.timeout,
    thread:get("example")
  ))
end
