// Which key a record of `tarmac write` gets, and whether it may have it.
#pragma once

#include <tarmac/core/hash.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "record_reader.h"

namespace tarmac::cli {

/// 128 bits of something: equal for what is equal, and for nothing else that a run will meet.
struct Digest {
  std::uint64_t low = 0;
  std::uint64_t high = 0;
  friend bool operator==(const Digest&, const Digest&) = default;
};

/// A set of digests: 16 bytes for each place, of which at most two thirds are taken.
class DigestSet {
 public:
  /// Whether it was not there. O(1) amortised.
  bool insert(Digest digest);

 private:
  [[nodiscard]] Digest& place_of(Digest digest);
  void grow();

  std::vector<Digest> places_ = std::vector<Digest>(1'024);
  std::size_t taken_ = 0;
};

/// What becomes of a record.
struct Verdict {
  enum class Fate { write, repeated, refused };
  Fate fate = Fate::write;
  std::string key;
  bool generated = false;
  /// Why it is refused.
  std::string why;
};

/// Goes through the records in their order and keeps the keys apart. Memory: 24 to 48 bytes for
/// each record, whatever its size.
class KeyBook {
 public:
  /// With `generates_keys`, a record whose key is missing, no string, or taken gets one made of its
  /// content; one with the content of an earlier such record is that record again.
  explicit KeyBook(bool generates_keys) : generates_keys_(generates_keys) {}

  [[nodiscard]] Verdict judge(const RawRecord& record);

 private:
  [[nodiscard]] Digest digest_of(std::string_view bytes) const noexcept {
    return {hash_bytes(bytes, seed_), hash_bytes(bytes, ~seed_)};
  }
  [[nodiscard]] Verdict generate(const RawRecord& record);

  const bool generates_keys_;
  /// Secret, so that no input can be made to collide.
  const std::uint64_t seed_ = random_seed();
  DigestSet keys_;
  /// Contents of records whose keys were generated.
  DigestSet contents_;
};

}  // namespace tarmac::cli
