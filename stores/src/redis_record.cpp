#include "redis_record.h"

#include <hiredis/hiredis.h>

#include <algorithm>
#include <array>

#include "millis.h"
#include "redis_connection.h"
#include "stored_row.h"

namespace tarmac::internal {
namespace {

// A record: "T1", v or r (value, removal), then 16 hexadecimal digits each of stamp, expiry (0:
// none) and checksum, then the value. Digits of fixed width, which the script compares as text.
constexpr std::string_view kForm = "T1";
constexpr std::size_t kHeadSize = 51;

// KEYS: the keys, each once, and the guard if there is one. ARGV: for each key its record, the
// command that sets its expiry or '', and when. Nothing is written before all keys were looked at:
// an error afterwards would leave half a batch. A call costs more than what it does, so small
// values are read and written many at once. The guard is written and removed: whoever watches it
// hears of the batch, and nothing of it stays. That comes first: a server that refuses to remove it
// must not have taken the batch.
constexpr const char* kWriteScript = R"(
local CHUNK = 1000
local count = #ARGV / 3
local guard = KEYS[count + 1]
local sub = string.sub
local size = 0
for i = 1, count do size = size + #ARGV[3 * i - 2] end
local small = size < 1024 * count

local function head(key)
  local found = redis.pcall('GETRANGE', key, 0, 18)
  if type(found) == 'string' then return found end
  if sub(found.err, 1, 9) == 'WRONGTYPE' then return 'of another type' end
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

local taken, foreign = {}, {}
for first = 1, count, CHUNK do
  local last = math.min(first + CHUNK - 1, count)
  local found = heads(first, last)
  for i = first, last do
    local old = found[i - first + 1]
    if old and old ~= '' and sub(old, 1, 2) ~= 'T1' then
      foreign[#foreign + 1] = i
    elseif not old or sub(old, 4, 19) <= sub(ARGV[3 * i - 2], 4, 19) then
      taken[#taken + 1] = i
    end
  end
end
if #foreign > 0 then return redis.error_reply('FOREIGN ' .. table.concat(foreign, ' ')) end
if #taken == 0 then return 0 end

if guard then
  redis.call('MSET', guard, '')
  redis.call('DEL', guard)
end
local words = {}
for n, i in ipairs(taken) do
  words[#words + 1] = KEYS[i]
  words[#words + 1] = ARGV[3 * i - 2]
  if n == #taken or #words >= 2 * CHUNK then
    redis.call('MSET', unpack(words))
    words = {}
  end
end
for _, i in ipairs(taken) do
  if ARGV[3 * i - 1] ~= '' then redis.call(ARGV[3 * i - 1], KEYS[i], ARGV[3 * i]) end
end
return 1)";

[[noreturn]] void refuse_record(std::string_view key) {
  throw RedisRefusal("store redis: the value of key " + shown_key(key) +
                     " is damaged, or was not written by this store");
}

}  // namespace

const char* redis_write_script() noexcept { return kWriteScript; }

std::size_t redis_record_size(const StoreWrite& write) noexcept {
  return kHeadSize + (write.value ? write.value->size() : 0);
}

void append_redis_record(std::string& text, const StoreWrite& write) {
  const RowView row{write.key, write.value, write.stamp, write.expires_at};
  std::array<char, kHeadSize> head;
  std::ranges::copy(kForm, head.begin());
  head[kForm.size()] = write.value ? 'v' : 'r';
  auto* digits = head.data() + kForm.size() + 1;
  put_hex16(digits, write.stamp);
  put_hex16(digits + 16, static_cast<std::uint64_t>(write.expires_at.value_or(0)));
  put_hex16(digits + 32, checksum_of(row));
  text.append(head.data(), head.size());
  if (write.value) text += *write.value;
}

void append_redis_record_word(std::string& text, const StoreWrite& write) {
  append_redis_size(text, redis_record_size(write));
  append_redis_record(text, write);
  text += "\r\n";
}

RedisExpiry redis_expiry_of(const StoreWrite& write, std::chrono::nanoseconds removal_kept) {
  if (!write.value) {
    return {"PEXPIRE", std::to_string(removal_kept.count() / kNanosInMilli + 1)};
  }
  if (!write.expires_at) return {};
  // The next whole millisecond: load() is exact, the server must not be early.
  return {"PEXPIREAT", std::to_string(*write.expires_at / kNanosInMilli + 1)};
}

bool is_foreign_record(std::string_view record) noexcept {
  return !record.empty() && !record.starts_with(kForm);
}

bool is_newer_record(std::string_view record, std::uint64_t stamp) noexcept {
  if (record.size() <= kForm.size() + 1) return false;
  std::array<char, 16> ours;
  put_hex16(ours.data(), stamp);
  return record.substr(kForm.size() + 1, 16) > std::string_view(ours.data(), ours.size());
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
