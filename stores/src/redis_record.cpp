#include "redis_record.h"

#include <hiredis/hiredis.h>

#include "redis_connection.h"
#include "stored_row.h"

namespace tarmac::internal {
namespace {

// A record: "T1", v or r (value, removal), then 16 hexadecimal digits each of stamp, expiry (0:
// none) and checksum, then the value. Digits of fixed width, which the script compares as text.
constexpr std::string_view kForm = "T1";
constexpr std::size_t kHeadSize = 51;

// KEYS: the keys. ARGV: for each its record, the command that sets its expiry or '', and when.
// Nothing is written before all keys were looked at: an error afterwards would leave half a batch.
// A call costs more than what it does, so small values are read and written many at once.
constexpr const char* kWriteScript = R"(
local CHUNK = 1000
local size = 0
for i = 1, #KEYS do size = size + #ARGV[3 * i - 2] end
local small = size < 1024 * #KEYS

local function head(key)
  local found = redis.pcall('GETRANGE', key, 0, 18)
  if type(found) == 'string' then return found end
  if string.sub(found.err, 1, 9) == 'WRONGTYPE' then return 'of another type' end
  error(found.err)
end
local function heads(from, to)
  local found, absent = {}, {}
  if small then
    found = redis.call('MGET', unpack(KEYS, from, to))
    for i = from, to do
      if not found[i - from + 1] then absent[#absent + 1] = KEYS[i] end
    end
    -- MGET takes what is no string for absent.
    if #absent == 0 or redis.call('EXISTS', unpack(absent)) == 0 then return found end
  end
  for i = from, to do found[i - from + 1] = head(KEYS[i]) end
  return found
end

local newest, order, foreign = {}, {}, {}
for first = 1, #KEYS, CHUNK do
  local last = math.min(first + CHUNK - 1, #KEYS)
  local found = heads(first, last)
  for i = first, last do
    local known = newest[KEYS[i]]
    if not known then
      local old = found[i - first + 1] or ''
      if old ~= '' and string.sub(old, 1, 2) ~= 'T1' then foreign[#foreign + 1] = i end
      known = {stamp = string.sub(old, 4, 19)}
      newest[KEYS[i]] = known
      order[#order + 1] = KEYS[i]
    end
    local stamp = string.sub(ARGV[3 * i - 2], 4, 19)
    if stamp >= known.stamp then known.stamp, known.from = stamp, 3 * i - 2 end
  end
end
if #foreign > 0 then return redis.error_reply('FOREIGN ' .. table.concat(foreign, ' ')) end

local words = {}
for n, key in ipairs(order) do
  local from = newest[key].from
  if from then
    words[#words + 1] = key
    words[#words + 1] = ARGV[from]
  end
  if #words > 0 and (n == #order or #words >= 2 * CHUNK) then
    redis.call('MSET', unpack(words))
    words = {}
  end
end
for _, key in ipairs(order) do
  local from = newest[key].from
  if from and ARGV[from + 1] ~= '' then redis.call(ARGV[from + 1], key, ARGV[from + 2]) end
end
return 1)";

[[noreturn]] void refuse_record(std::string_view key) {
  throw RedisRefusal("store redis: the value of key " + shown_key(key) +
                     " is damaged, or was not written by this store");
}

}  // namespace

const char* redis_write_script() noexcept { return kWriteScript; }

std::string redis_record_of(const StoreWrite& write) {
  const RowView row{write.key, write.value, write.stamp, write.expires_at};
  std::string record(kForm);
  record += write.value ? 'v' : 'r';
  record += hex16(write.stamp);
  record += hex16(static_cast<std::uint64_t>(write.expires_at.value_or(0)));
  record += hex16(checksum_of(row));
  if (write.value) record += *write.value;
  return record;
}

std::optional<StoredValue> redis_value_in(const redisReply& reply, std::string_view key) {
  if (reply.type == REDIS_REPLY_NIL) return std::nullopt;
  if (reply.type != REDIS_REPLY_STRING) refuse_record(key);
  const std::string_view record(reply.str, reply.len);
  if (record.size() < kHeadSize || !record.starts_with(kForm)) refuse_record(key);
  const auto stamp = from_hex16(record.substr(3, 16));
  const auto expiry = from_hex16(record.substr(19, 16));
  const auto sum = from_hex16(record.substr(35, 16));
  if (!stamp || !expiry || !sum) refuse_record(key);
  RowView row{.key = key, .value = std::nullopt, .stamp = *stamp, .expires_at = std::nullopt};
  if (record[2] == 'v') row.value = record.substr(kHeadSize);
  if (*expiry != 0) row.expires_at = static_cast<WallNanos>(*expiry);
  if (checksum_of(row) != *sum) refuse_record(key);
  if (!row.value) return std::nullopt;
  return StoredValue{std::string(*row.value), row.stamp, row.expires_at};
}

}  // namespace tarmac::internal
