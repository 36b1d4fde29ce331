#include "redis_guarded_batch.h"

#include <hiredis/hiredis.h>

#include <algorithm>

#include "redis_record.h"

namespace tarmac::internal {
namespace {

/// Begins what follows a look that may have come to nothing: a transaction would be refused for
/// what its connection watched before.
constexpr std::string_view kUnwatch = "*1\r\n$7\r\nUNWATCH\r\n";
/// The same before a look, and shows that there are transactions: without MULTI what is to be in
/// one would be done bare.
constexpr std::string_view kNothing = "*1\r\n$5\r\nMULTI\r\n*1\r\n$4\r\nEXEC\r\n";
constexpr std::string_view kDiscard = "*1\r\n$7\r\nDISCARD\r\n";
/// In the answers to a look.
constexpr std::size_t kExecAt = 1;  // Then comes that of WATCH.
constexpr std::size_t kValuesAt = 3;
constexpr std::size_t kCountAt = 4;

bool is_refused(const RedisReply& reply) { return reply->type == REDIS_REPLY_ERROR; }

/// A server that does not know EXEC leaves the connection in its transaction.
void leave_transaction(RedisConnection& connection, SteadyNanos deadline) {
  static_cast<void>(connection.exchange(kDiscard, 1, deadline));
}

/// The first error among the answers to a transaction or in it; empty if there is none.
std::string_view error_among(const std::vector<RedisReply>& replies) {
  for (const auto& reply : replies) {
    if (is_refused(reply)) return {reply->str, reply->len};
  }
  const auto& last = *replies.back();
  for (const auto* one : std::span(last.element, last.elements)) {
    if (one->type == REDIS_REPLY_ERROR) return {one->str, one->len};
  }
  return {};
}

}  // namespace

GuardedBatch::GuardedBatch(std::span<const StoreWrite> batch, std::span<const std::size_t> places,
                           std::string_view prefix, std::chrono::nanoseconds removal_kept)
    : batch_(batch), places_(places), prefix_(prefix), removal_kept_(removal_kept) {}

void GuardedBatch::prepare(bool is_to_be_whole) {
  look_ = look();
  if (is_to_be_whole) whole_ = transaction(places_, "MSET");
}

GuardedBatch::Request GuardedBatch::look() const {
  Request request{.text = std::string(kNothing), .commands = 5};
  auto& text = request.text;
  append_redis_head(text, 2);
  append_redis_word(text, "WATCH");
  append_redis_word(text, prefix_, kRedisGuard);
  append_questions(text);
  return request;
}

void GuardedBatch::append_questions(std::string& text) const {
  std::string keys;
  for (const auto place : places_) append_redis_word(keys, prefix_, batch_[place].key);
  // MGET takes what is no string for absent; EXISTS counts it.
  for (const auto* command : {"MGET", "EXISTS"}) {
    append_redis_head(text, 1 + places_.size());
    append_redis_word(text, command);
    text += keys;
  }
}

GuardedBatch::Request GuardedBatch::transaction(std::span<const std::size_t> places,
                                                std::string_view command,
                                                std::string_view before) const {
  constexpr std::size_t kFraming = 32;
  std::size_t size = 8 * kFraming;
  for (const auto place : places) {
    const auto& write = batch_[place];
    size += prefix_.size() + write.key.size() + redis_record_size(write) + kFraming;
  }
  Request request;
  auto& text = request.text;
  text.reserve(size);
  text += before;
  const auto begin = [&](std::size_t words, std::string_view name) {
    append_redis_head(text, words);
    append_redis_word(text, name);
    ++request.commands;
  };
  begin(1, "MULTI");
  begin(3 + 2 * places.size(), command);
  append_redis_word(text, prefix_, kRedisGuard);
  append_redis_word(text, {});
  for (const auto place : places) {
    append_redis_word(text, prefix_, batch_[place].key);
    append_redis_record_word(text, batch_[place]);
  }
  for (const auto place : places) {
    const auto expiry = redis_expiry_of(batch_[place], removal_kept_);
    if (expiry.command.empty()) continue;
    begin(3, expiry.command);
    append_redis_word(text, prefix_, batch_[place].key);
    append_redis_word(text, expiry.when);
  }
  begin(2, "DEL");
  append_redis_word(text, prefix_, kRedisGuard);
  begin(1, "EXEC");
  return request;
}

std::vector<std::size_t> GuardedBatch::judge(const redisReply& values, const redisReply& count,
                                             Result& result) const {
  result.outcome = Outcome::contested;
  const bool understood = values.type == REDIS_REPLY_ARRAY && values.elements == places_.size() &&
                          count.type == REDIS_REPLY_INTEGER;
  if (!understood) return {};
  std::vector<std::size_t> wanted;
  wanted.reserve(places_.size());
  std::int64_t strings = 0;
  for (std::size_t i = 0; i < places_.size(); ++i) {
    const auto& value = *values.element[i];
    const bool is_there = value.type == REDIS_REPLY_STRING;
    if (is_there) ++strings;
    const auto record = is_there ? std::string_view(value.str, value.len) : std::string_view();
    if (is_foreign_record(record)) {
      result.foreign.push_back(places_[i]);
    } else if (!is_newer_record(record, batch_[places_[i]].stamp)) {
      wanted.push_back(places_[i]);
    }
  }
  if (count.integer != strings) return {};
  result.were_new = strings == static_cast<std::int64_t>(result.foreign.size());
  result.outcome = result.foreign.empty() ? Outcome::done : Outcome::foreign;
  return wanted;
}

bool GuardedBatch::can_be_new() const noexcept {
  return std::ranges::all_of(places_, [this](std::size_t place) {
    return batch_[place].value && !batch_[place].expires_at;
  });
}

bool GuardedBatch::add(RedisConnection& connection, SteadyNanos deadline) const {
  const auto request = transaction(places_, "MSETNX", kUnwatch);
  const auto replies = connection.exchange(request.text, request.commands + 1, deadline);
  const auto& last = *replies.back();
  if (last.type == REDIS_REPLY_ERROR) leave_transaction(connection, deadline);
  return error_among(replies).empty() && last.type == REDIS_REPLY_ARRAY && last.elements != 0 &&
         last.element[0]->integer == 1;
}

GuardedBatch::Result GuardedBatch::glance(RedisConnection& connection, SteadyNanos deadline) const {
  std::string text;
  append_questions(text);
  const auto seen = connection.exchange(text, 2, deadline);
  Result result;
  static_cast<void>(judge(*seen.front(), *seen.back(), result));
  return result;
}

GuardedBatch::Result GuardedBatch::replace(RedisConnection& connection,
                                           SteadyNanos deadline) const {
  const auto seen = connection.exchange(look_.text, look_.commands, deadline);
  Result result;
  const auto wanted = judge(*seen[kValuesAt], *seen[kCountAt], result);
  if (is_refused(seen[kExecAt])) leave_transaction(connection, deadline);
  if (std::ranges::any_of(seen, is_refused)) result.outcome = Outcome::contested;
  if (result.outcome != Outcome::done || wanted.empty()) return result;
  const bool is_prepared = wanted.size() == places_.size() && !whole_.text.empty();
  const auto made_now = is_prepared ? Request{} : transaction(wanted, "MSET");
  const auto& request = is_prepared ? whole_ : made_now;
  const auto replies = connection.exchange(request.text, request.commands, deadline);
  if (const auto error = error_among(replies); !error.empty()) {
    result.outcome = Outcome::refused;
    result.refusal = error;
  } else if (replies.back()->type != REDIS_REPLY_ARRAY) {
    result.outcome = Outcome::contested;
  }
  return result;
}

}  // namespace tarmac::internal
