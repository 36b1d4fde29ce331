// JSON lines with lists of block hashes, as published by Mooncake.
#include "trace_format.h"

#include <nlohmann/json.hpp>

#include <vector>

namespace tarmac::internal {
namespace {

using nlohmann::json;

/// `timestamp` is in milliseconds; each element of `hash_ids` is a request, in order.
class JsonLines final : public TraceFormat {
 public:
  [[nodiscard]] bool has_time() const noexcept override { return true; }

  std::uint64_t read(const Piece& piece, Request& request) override {
    const json line = json::parse(piece.text.begin(), piece.text.end(), nullptr, false);
    if (!line.is_object()) {
      throw Malformed{"the line is no JSON object; each line is one, with a list \"hash_ids\""};
    }
    request.time = unsigned_of(line, "timestamp") / 1'000;
    const auto ids = line.find("hash_ids");
    if (ids == line.end() || !ids->is_array()) {
      throw Malformed{"there is no list \"hash_ids\"; its elements are the keys of the line"};
    }
    keys_.clear();
    for (const json& id : *ids) {
      if (!id.is_number_unsigned()) {
        throw Malformed{"an element of hash_ids is not a whole number; the keys are numbers"};
      }
      keys_.push_back(id.get<std::uint64_t>());
    }
    position_ = 0;
    if (!keys_.empty()) request.key = keys_.front();
    return keys_.size();
  }
  void advance(Request& request) override { request.key = keys_[++position_]; }

 private:
  static std::uint64_t unsigned_of(const json& line, const char* name) {
    const auto found = line.find(name);
    if (found == line.end() || !found->is_number_unsigned()) {
      throw Malformed{std::string("there is no whole number \"") + name +
                      "\"; it is the time in milliseconds"};
    }
    return found->get<std::uint64_t>();
  }

  std::vector<std::uint64_t> keys_;
  std::size_t position_ = 0;
};

}  // namespace

FormatRow json_lines_format() {
  return {
      {"json_lines", "JSON lines with timestamp (ms) and a list hash_ids, a request for each id"},
      [] { return std::unique_ptr<TraceFormat>(std::make_unique<JsonLines>()); },
      [](std::string_view name) { return name.ends_with(".jsonl"); },
      [](std::string_view head) { return head.starts_with("{\""); }};
}

}  // namespace tarmac::internal
