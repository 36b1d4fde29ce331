#include "key_book.h"

#include <fmt/format.h>

#include <utility>

namespace tarmac::cli {
namespace {

// Part of what a generated key is: they never change.
constexpr std::uint64_t kLowSeed = 0x7461726d61635f6b;
constexpr std::uint64_t kHighSeed = 0x7461726d61635f6c;

}  // namespace

bool DigestSet::insert(Digest digest) {
  if (digest == Digest{}) digest.low = 1;  // Two zeros are an empty place.
  auto& place = place_of(digest);
  if (place == digest) return false;
  place = digest;
  if (++taken_ * 3 > places_.size() * 2) grow();
  return true;
}

Digest& DigestSet::place_of(Digest digest) {
  auto at = digest.low % places_.size();
  while (places_[at] != Digest{} && places_[at] != digest) at = (at + 1) % places_.size();
  return places_[at];
}

void DigestSet::grow() {
  auto before = std::exchange(places_, std::vector<Digest>(places_.size() * 2));
  for (const auto& digest : before) {
    if (digest != Digest{}) place_of(digest) = digest;
  }
}

Verdict KeyBook::judge(const RawRecord& record) {
  Verdict verdict;
  const auto refuse = [&verdict](std::string why) {
    verdict.fate = Verdict::Fate::refused;
    verdict.why = std::move(why);
    return verdict;
  };
  if (!record.problem.empty()) return refuse(record.problem);
  if (record.key && !record.key->empty() && keys_.insert(digest_of(*record.key))) {
    verdict.key = *record.key;
    return verdict;
  }
  if (generates_keys_) return generate(record);
  if (!record.has_key) return refuse("has no key; add one, or call with --generate-keys");
  if (!record.key) return refuse("has a key that is no string; put it in quotes");
  if (record.key->empty()) return refuse("has an empty key");
  return refuse(fmt::format("has the key of an earlier record, \"{}\"", *record.key));
}

Verdict KeyBook::generate(const RawRecord& record) {
  Verdict verdict;
  verdict.generated = true;
  verdict.key = fmt::format("{:016x}{:016x}", hash_bytes(record.content, kLowSeed),
                            hash_bytes(record.content, kHighSeed));
  if (!contents_.insert(digest_of(record.content))) {
    verdict.fate = Verdict::Fate::repeated;
  } else if (!keys_.insert(digest_of(verdict.key))) {
    verdict.fate = Verdict::Fate::refused;
    verdict.why = "has the content of which the key " + verdict.key +
                  " is made, and an earlier record has that key";
  }
  return verdict;
}

}  // namespace tarmac::cli
