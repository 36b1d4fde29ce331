#include "redis_writer.h"

#include <hiredis/hiredis.h>
#include <tarmac/core/error.h>
#include <tarmac/core/hash.h>

#include <algorithm>
#include <bit>
#include <sstream>
#include <unordered_map>
#include <utility>

#include "redis_record.h"
#include "stored_row.h"

namespace tarmac::internal {
namespace {

/// From so many writes on, a second round trip is worth what it saves the server.
constexpr std::size_t kGuardedMin = 16;
/// As large as the values may be on average: those that are there already have to come here.
constexpr std::size_t kGuardedMeanSize = 1'024;
/// Batches that are scripts when transactions have been in vain this often, one after the other.
std::uint32_t scripts_after(std::uint32_t contests) {
  constexpr std::uint32_t kMost = 6;
  return (1U << (std::min(contests, kMost) - 1)) - 1;
}

/// Batches to be glanced at after one that had keys with values of others.
constexpr std::uint32_t kGlances = 8;

/// By which what is left of a batch is known again, for it keeps its order; never 0.
std::uint64_t mark_of_rest(const StoreWrite& first, std::size_t count) {
  return hash_bytes(first.key, count) | 1U;
}

/// The places of the newest write of each key.
std::vector<std::size_t> newest_places(std::span<const StoreWrite> batch) {
  std::vector<std::size_t> places;
  places.reserve(batch.size());
  // Into `places`, from 1; open addressing.
  std::vector<std::uint32_t> table(std::bit_ceil(2 * batch.size()));
  for (std::size_t i = 0; i < batch.size(); ++i) {
    auto at = hash_bytes(batch[i].key, 0) & (table.size() - 1);
    while (table[at] != 0 && batch[places[table[at] - 1]].key != batch[i].key) {
      at = (at + 1) & (table.size() - 1);
    }
    if (table[at] == 0) {
      places.push_back(i);
      table[at] = static_cast<std::uint32_t>(places.size());
    } else if (auto& place = places[table[at] - 1]; batch[i].stamp >= batch[place].stamp) {
      place = i;
    }
  }
  return places;
}

void must_not_name_guard(std::span<const StoreWrite> batch) {
  for (const auto& one : batch) {
    if (one.key != kRedisGuard) continue;
    throw PermanentStoreError("store redis: key " + shown_key(one.key) +
                                  " is one that the store needs itself; choose another",
                              {one.key});
  }
}

}  // namespace

/// What the servers have against a batch.
struct RedisWriter::Refusals {
  /// Of the server; not for good.
  std::string passing;
  /// The server will not take a value tomorrow either.
  std::string lasting;
  /// These keys have values of others. `foreign` is how the message about them begins.
  std::string foreign;
  std::vector<std::string> foreign_keys;

  void add(const Part& part, std::string_view text, std::span<const StoreWrite> batch) {
    constexpr std::string_view kForeign = "FOREIGN ";
    const auto found = text.find(kForeign);
    if (found != std::string_view::npos) {
      foreign = text.substr(0, found);
      std::istringstream places{std::string(text.substr(found + kForeign.size()))};
      for (std::size_t place = 0; places >> place;) {
        if (place < 1 || place > part.places.size()) continue;
        foreign_keys.push_back(batch[part.places[place - 1]].key);
      }
    } else if (text.find("string exceeds maximum") != std::string_view::npos) {
      lasting = text;
    } else {
      passing = text;
    }
  }

  void throw_if_any() const {
    if (!passing.empty()) throw RedisRefusal(passing);
    if (!lasting.empty()) throw PermanentStoreError(lasting);
    if (foreign_keys.empty()) return;
    const auto message =
        foreign + "key " + shown_key(foreign_keys.front()) +
        (foreign_keys.size() == 1
             ? std::string()
             : " and " + std::to_string(foreign_keys.size() - 1) + " more of a batch") +
        " has a value that is not of this store; choose another prefix, or remove it";
    throw PermanentStoreError(message, foreign_keys);
  }
};

class RedisWriter::Turn {
 public:
  /// Waits for it until `deadline`.
  Turn(RedisWriter& writer, SteadyNanos deadline) : writer_(writer) {
    std::unique_lock lock(writer.mutex_);
    is_ours_ = writer.clock_.wait_until(lock, writer.turn_ended_, deadline,
                                        [&writer] { return !writer.has_turn_; });
    if (is_ours_) writer.has_turn_ = true;
  }
  ~Turn() {
    if (!is_ours_) return;
    {
      const std::lock_guard lock(writer_.mutex_);
      writer_.has_turn_ = false;
    }
    writer_.turn_ended_.notify_one();
  }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;
  [[nodiscard]] bool is_ours() const noexcept { return is_ours_; }

 private:
  RedisWriter& writer_;
  bool is_ours_ = false;
};

void RedisWriter::write(std::span<const StoreWrite> batch, SteadyNanos deadline) {
  must_not_name_guard(batch);
  Refusals refusals;
  auto places = newest_places(batch);
  if (!may_guard(batch, places) || !write_guarded(batch, places, refusals, deadline)) {
    for (auto parts = parts_of(batch, std::move(places)); !parts.empty();) {
      parts = write_parts(batch, parts, refusals, deadline);
    }
  }
  refusals.throw_if_any();
}

bool RedisWriter::may_guard(std::span<const StoreWrite> batch,
                            std::span<const std::size_t> places) {
  if (servers_.is_cluster() || places.size() < kGuardedMin) return false;
  std::size_t bytes = 0;
  for (const auto place : places) {
    // What a removal finds may be large.
    bytes += batch[place].value ? redis_record_size(batch[place]) : kGuardedMeanSize;
  }
  if (bytes >= kGuardedMeanSize * places.size()) return false;
  if (auto left = scripts_left_.load(); left != 0) {
    scripts_left_.compare_exchange_strong(left, left - 1);
    return false;
  }
  return true;
}

bool RedisWriter::write_guarded(std::span<const StoreWrite> batch,
                                std::span<const std::size_t> places, Refusals& refusals,
                                SteadyNanos deadline) {
  GuardedBatch guarded(batch, places, options_.prefix, options_.removal_kept);
  const auto node = servers_.nodes(deadline).front();
  if (guarded.can_be_new() && write_as_new(guarded, batch, places, refusals, deadline)) return true;
  guarded.prepare(!has_foreign_keys_);
  // A script needs no turn, but time.
  const auto now = clock_.steady_now();
  const Turn turn(*this, now + (deadline - now) / 2);
  if (!turn.is_ours()) return false;
  const auto result = node->with(deadline, [&](RedisConnection& connection, SteadyNanos until) {
    return guarded.replace(connection, until);
  });
  has_foreign_keys_ = !result.foreign.empty();
  as_new_ = result.were_new && guarded.can_be_new();
  switch (result.outcome) {
    case GuardedBatch::Outcome::done:
      break;
    case GuardedBatch::Outcome::foreign:
      refuse_foreign(batch, places, result, refusals);
      refusals.foreign = node->refusal_text("");
      break;
    case GuardedBatch::Outcome::refused:
      refusals.passing = node->refusal_text(result.refusal);
      break;
    case GuardedBatch::Outcome::contested:
      scripts_left_ = scripts_after(++contests_in_a_row_);
      return false;
  }
  contests_in_a_row_ = 0;
  return true;
}

bool RedisWriter::write_as_new(const GuardedBatch& guarded, std::span<const StoreWrite> batch,
                               std::span<const std::size_t> places, Refusals& refusals,
                               SteadyNanos deadline) {
  const bool is_rest = take_rest(batch, places);
  if (!is_rest && !as_new_) return false;
  const auto node = servers_.nodes(deadline).front();
  if (auto left = glances_left_.load(); left != 0 && !is_rest) {
    const auto seen = node->with(deadline, [&](RedisConnection& connection, SteadyNanos until) {
      return guarded.glance(connection, until);
    });
    if (seen.outcome == GuardedBatch::Outcome::foreign) {
      as_new_ = seen.were_new;
      refuse_foreign(batch, places, seen, refusals);
      refusals.foreign = node->refusal_text("");
      return true;
    }
    if (!seen.were_new) return false;
    glances_left_.compare_exchange_strong(left, left - 1);
  }
  return node->with(deadline, [&](RedisConnection& connection, SteadyNanos until) {
    return guarded.add(connection, until);
  });
}

void RedisWriter::refuse_foreign(std::span<const StoreWrite> batch,
                                 std::span<const std::size_t> places,
                                 const GuardedBatch::Result& result, Refusals& refusals) {
  for (const auto place : result.foreign) refusals.foreign_keys.push_back(batch[place].key);
  glances_left_ = kGlances;
  if (!result.were_new || result.foreign.size() == places.size()) return;
  // `foreign` has the order of `places`.
  const auto first = std::ranges::mismatch(places, result.foreign).in1;
  const std::lock_guard lock(mutex_);
  rests_.at(next_rest_) = mark_of_rest(batch[*first], places.size() - result.foreign.size());
  next_rest_ = (next_rest_ + 1) % rests_.size();
}

bool RedisWriter::take_rest(std::span<const StoreWrite> batch,
                            std::span<const std::size_t> places) {
  const auto mark = mark_of_rest(batch[places.front()], places.size());
  const std::lock_guard lock(mutex_);
  const auto found = std::ranges::find(rests_, mark);
  if (found == rests_.end()) return false;
  *found = 0;
  return true;
}

std::vector<RedisWriter::Part> RedisWriter::parts_of(std::span<const StoreWrite> batch,
                                                     std::vector<std::size_t> places) const {
  std::vector<Part> parts;
  if (!servers_.is_cluster()) {
    if (!places.empty()) parts.push_back({.slot = 0, .places = std::move(places)});
    return parts;
  }
  std::unordered_map<std::uint16_t, std::size_t> part_of_slot;
  for (const auto place : places) {
    const auto slot = servers_.slot_of(options_.prefix, batch[place].key);
    const auto [known, is_new] = part_of_slot.emplace(slot, parts.size());
    if (is_new) parts.push_back({.slot = slot});
    parts[known->second].places.push_back(place);
  }
  return parts;
}

std::vector<RedisWriter::Part> RedisWriter::write_parts(std::span<const StoreWrite> batch,
                                                        std::span<const Part> parts,
                                                        Refusals& refusals, SteadyNanos deadline) {
  std::vector<RedisRequest> requests;
  requests.reserve(parts.size());
  for (const auto& part : parts) {
    requests.push_back({.slot = part.slot, .commands = {}});
    requests.back().commands.push_back(command_of(batch, part, deadline));
  }
  servers_.call(requests, deadline);
  std::vector<Part> again;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const auto error = error_in(requests[i]);
    if (error.empty()) {
      if (requests[i].replies.front()->type == REDIS_REPLY_INTEGER) continue;
      throw StoreError("store redis: the server's answer to the script is none");
    }
    if (error.starts_with("NOSCRIPT") && !parts[i].by_text) {
      // It was restarted, or forgets scripts, or does not let us load one.
      again.push_back(parts[i]);
      again.back().by_text = true;
    } else if (error.starts_with("TRYAGAIN") && add_by_key(again, parts[i])) {
      continue;
    } else {
      refusals.add(parts[i], requests[i].refusal, batch);
    }
  }
  return again;
}

bool RedisWriter::add_by_key(std::vector<Part>& parts, const Part& part) {
  if (part.places.size() == 1) return false;
  for (const auto place : part.places) {
    parts.push_back({.slot = part.slot, .places = {place}, .by_text = part.by_text});
  }
  return true;
}

RedisCommand RedisWriter::command_of(std::span<const StoreWrite> batch, const Part& part,
                                     SteadyNanos deadline) {
  RedisCommand command;
  command.reserve(4 + 4 * part.places.size());
  command.emplace_back(part.by_text ? "EVAL" : "EVALSHA");
  command.push_back(part.by_text ? std::string(redis_write_script())
                                 : digest_of_script(part.slot, deadline));
  // The guard may be on another node than they, where nobody watches it.
  const bool is_guarded = !servers_.is_cluster();
  command.push_back(std::to_string(part.places.size() + (is_guarded ? 1 : 0)));
  for (const auto place : part.places) command.push_back(options_.prefix + batch[place].key);
  if (is_guarded) command.push_back(options_.prefix + std::string(kRedisGuard));
  for (const auto place : part.places) {
    append_redis_record(command.emplace_back(), batch[place]);
    auto expiry = redis_expiry_of(batch[place], options_.removal_kept);
    command.emplace_back(expiry.command);
    command.push_back(std::move(expiry.when));
  }
  return command;
}

std::string RedisWriter::digest_of_script(std::uint16_t slot, SteadyNanos deadline) {
  {
    const std::lock_guard lock(mutex_);
    if (!digest_.empty()) return digest_;
  }
  RedisRequest request{slot, {{"SCRIPT", "LOAD", redis_write_script()}}};
  servers_.call(std::span(&request, 1), deadline);
  // If it is refused: the server answers this with NOSCRIPT, and then gets the text.
  if (!request.refusal.empty()) return "none";
  const auto& reply = *request.replies.front();
  const std::lock_guard lock(mutex_);
  if (reply.type == REDIS_REPLY_STRING) digest_.assign(reply.str, reply.len);
  return digest_.empty() ? "none" : digest_;
}

}  // namespace tarmac::internal
