#include "redis_slots.h"

#include <hiredis/hiredis.h>
#include <tarmac/core/error.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <span>

namespace tarmac::internal {
namespace {

constexpr std::array<std::uint16_t, 256> kCrcOfByte = [] {
  constexpr std::uint32_t kPolynomial = 0x1021;
  constexpr std::uint32_t kTop = 0x8000;
  std::array<std::uint16_t, 256> table{};
  for (std::uint32_t byte = 0; byte < table.size(); ++byte) {
    std::uint32_t crc = byte << 8U;
    for (int bit = 0; bit < 8; ++bit) crc = (crc << 1U) ^ ((crc & kTop) != 0 ? kPolynomial : 0U);
    table[byte] = static_cast<std::uint16_t>(crc);
  }
  return table;
}();

std::optional<std::uint64_t> number_in(std::string_view text, std::uint64_t most) {
  std::uint64_t number = 0;
  const auto* end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || at != end || number > most) return std::nullopt;
  return number;
}

[[noreturn]] void refuse_slots() {
  throw StoreError("redis cluster: a node's answer to CLUSTER SLOTS is none");
}

std::span<redisReply*> elements_of(const redisReply& reply, std::size_t at_least) {
  if (reply.type != REDIS_REPLY_ARRAY || reply.elements < at_least) refuse_slots();
  return {reply.element, reply.elements};
}

std::uint64_t integer_of(const redisReply& reply, std::uint64_t most) {
  if (reply.type != REDIS_REPLY_INTEGER || reply.integer < 0) refuse_slots();
  const auto number = static_cast<std::uint64_t>(reply.integer);
  if (number > most) refuse_slots();
  return number;
}

RedisAddress address_of(const redisReply& node, const RedisAddress& asked) {
  const auto parts = elements_of(node, 2);
  const auto& host = *parts[0];
  const bool has_host = host.type == REDIS_REPLY_STRING && host.len > 0 && *host.str != '?';
  const auto port = integer_of(*parts[1], std::numeric_limits<std::uint16_t>::max());
  return {has_host ? std::string(host.str, host.len) : asked.host,
          static_cast<std::uint16_t>(port)};
}

}  // namespace

std::uint16_t redis_crc16(std::string_view bytes) noexcept {
  std::uint32_t crc = 0;
  for (const char one : bytes) {
    const auto byte = static_cast<unsigned char>(one);
    crc = ((crc << 8U) & 0xffffU) ^ kCrcOfByte[((crc >> 8U) ^ byte) & 0xffU];
  }
  return static_cast<std::uint16_t>(crc);
}

std::uint16_t redis_slot(std::string_view key) noexcept {
  const auto open = key.find('{');
  if (open != std::string_view::npos) {
    const auto close = key.find('}', open + 1);
    if (close != std::string_view::npos && close > open + 1) {
      key = key.substr(open + 1, close - open - 1);
    }
  }
  return static_cast<std::uint16_t>(redis_crc16(key) % kRedisSlots);
}

std::optional<RedisAddress> redis_address_in(std::string_view text) {
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  auto host = text.substr(0, colon);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  }
  const auto port = number_in(text.substr(colon + 1), std::numeric_limits<std::uint16_t>::max());
  if (!port || *port == 0) return std::nullopt;
  return RedisAddress{std::string(host), static_cast<std::uint16_t>(*port)};
}

std::vector<RedisAddress> redis_addresses_in(std::string_view text) {
  constexpr std::string_view kBetween = ", ";
  std::vector<RedisAddress> addresses;
  while (!text.empty()) {
    const auto end = std::min(text.find_first_of(kBetween), text.size());
    const auto word = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (word.empty()) continue;
    const auto address = redis_address_in(word);
    if (!address || address->host.empty()) {
      throw ConfigError("redis cluster: \"" + std::string(word) +
                        "\" is no address; write host:port, and commas between several");
    }
    addresses.push_back(*address);
  }
  if (addresses.empty()) {
    throw ConfigError("redis cluster: no address is given; write host:port of some of its nodes");
  }
  return addresses;
}

std::vector<RedisSlotRange> redis_slots_in(const redisReply& reply, const RedisAddress& asked) {
  std::vector<RedisSlotRange> ranges;
  for (const auto* one : elements_of(reply, 0)) {
    const auto parts = elements_of(*one, 3);
    RedisSlotRange range{integer_of(*parts[0], kRedisSlots - 1),
                         integer_of(*parts[1], kRedisSlots - 1), address_of(*parts[2], asked)};
    if (range.first > range.last) refuse_slots();
    ranges.push_back(std::move(range));
  }
  return ranges;
}

std::optional<RedisRedirect> redis_redirect_in(std::string_view error, const RedisAddress& asked) {
  RedisRedirect redirect;
  redirect.is_ask = error.starts_with("ASK ");
  if (!redirect.is_ask && !error.starts_with("MOVED ")) return std::nullopt;
  const auto slot_at = error.find(' ') + 1;
  const auto space = error.find(' ', slot_at);
  if (space == std::string_view::npos) return std::nullopt;
  const auto slot = number_in(error.substr(slot_at, space - slot_at), kRedisSlots - 1);
  auto address = redis_address_in(error.substr(space + 1));
  if (!slot || !address) return std::nullopt;
  if (address->host.empty() || address->host == "?") address->host = asked.host;
  redirect.slot = static_cast<std::uint16_t>(*slot);
  redirect.to = std::move(*address);
  return redirect;
}

}  // namespace tarmac::internal
