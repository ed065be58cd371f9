-- The load and its check; the benchmark fills in HEADS, PARTS, FILL and FIRST.
local find, sub, concat = string.find, string.sub, table.concat
local next_id, turn, open = FIRST, 0, {}
wrong, refused, example = 0, 0, ""

function request()
  local id = next_id
  next_id = id + 1
  open[id] = true
  turn = turn % #HEADS + 1
  return HEADS[turn] .. concat(PARTS, id)
end

-- Each id is answered once, by the content that was sent with it.
local function right(body)
  local _, at = find(body, '"id":', 1, true)
  local id = at and tonumber(sub(body, at + 1, at + 9))
  if not id or not open[id] then return false end
  open[id] = nil
  local _, tag = find(body, '"text":"m' .. id .. '-', 1, true)
  return tag and find(body, FILL, tag + 1, true) == tag + 1
end

function response(status, _, body)
  if status ~= 200 then
    refused = refused + 1
    example = "HTTP " .. status .. ": " .. sub(body, 1, 120)
  elseif not right(body) then
    wrong = wrong + 1
    example = sub(body, 1, 200)
  end
end

local threads = {}

function setup(thread)
  threads[#threads + 1] = thread
end

function done(summary, latency)
  local thread = threads[1]
  local errors = summary.errors
  -- Nothing that would end or break the JSON string.
  local example = string.gsub(string.gsub(thread:get("example"), "[%c\\]+", " "), '"', "'")
  io.write(string.format(
    'RESULT {"requests":%d,"microseconds":%d,"p50":%d,"p99":%d,"wrong":%d,"refused":%d,"broken":%d,"example":"%s"}\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    thread:get("wrong"), thread:get("refused"),
    errors.connect + errors.read + errors.write + errors.timeout, example))
end
