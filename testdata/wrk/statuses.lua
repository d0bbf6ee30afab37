-- Counts what wrk's own summary adds up: how many answers had which status.
local threads = {}

function setup(thread)
  table.insert(threads, thread)
end

function init()
  statuses = {}
end

function response(status)
  statuses[status] = (statuses[status] or 0) + 1
end

function done(summary)
  local total = {}
  for _, thread in ipairs(threads) do
    for status, count in pairs(thread:get("statuses")) do
      total[status] = (total[status] or 0) + count
    end
  end
  for status, count in pairs(total) do
    io.write(string.format("status %d: %d\n", status, count))
  end
  local errors = summary.errors
  io.write(string.format("errors connect=%d read=%d write=%d timeout=%d\n",
    errors.connect, errors.read, errors.write, errors.timeout))
end
