// Snapshot files: any bytes are refused before an entry is shown, or shown to the end. Checksums
// are no wall: the input is also read with those that it should have had.
#include <fcntl.h>
#include <tarmac/core/error.h>
#include <tarmac/durability/log.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <vector>

#include "bytes.h"
#include "crc32c.h"
#include "fuzz.h"
#include "image_format.h"

namespace {

using tarmac::internal::crc32c;
using tarmac::internal::load_number;
using tarmac::internal::store_number;

/// One file in memory, whatever it is called.
class OneFile final : public tarmac::FileOps {
 public:
  std::string bytes;

  int make_folder(const std::string&) override { return -1; }
  int open_folder(const std::string&) override { return 3; }
  int list(int, std::vector<std::string>&) override { return 0; }
  int open(int, const std::string&, int) override { return 4; }
  int close(int) override { return 0; }
  std::int64_t size(int) override { return static_cast<std::int64_t>(bytes.size()); }
  ssize_t read(int, void* to, std::size_t count, std::int64_t offset) override {
    const auto at = static_cast<std::size_t>(offset);
    if (at >= bytes.size()) return 0;
    return static_cast<ssize_t>(bytes.copy(static_cast<char*>(to), count, at));
  }
  ssize_t write(int, const iovec*, int, std::int64_t) override { return -1; }
  int preallocate(int, std::int64_t) override { return -1; }
  int truncate(int, std::int64_t) override { return -1; }
  int sync(int) override { return -1; }
  int sync_folder(int) override { return -1; }
  int rename(int, const std::string&, const std::string&) override { return -1; }
  int remove(int, const std::string&) override { return -1; }
  int lock(int, bool) override { return 0; }
};

void read(OneFile& file) {
  static const auto format = tarmac::make_snapshot_format(file);
  std::uint64_t shown = 0;
  try {
    format->read("image", [&](const tarmac::JournalRecord&) { ++shown; });
  } catch (const tarmac::DurabilityError&) {
    tarmac::fuzz::require(shown == 0, "showed entries of a file that it refused");
  }
}

/// Gives head, blocks and end the checksums that they should have, as far as lengths lead.
void mend(std::string& bytes) {
  constexpr std::size_t kFooter = tarmac::internal::kImageFooterBytes;
  constexpr std::size_t kBlock = tarmac::internal::kBlockHeaderBytes;
  if (bytes.size() < tarmac::internal::kPreambleBytes + kFooter) return;
  const auto end = bytes.size() - kFooter;
  std::string problem;
  const auto head = tarmac::internal::preamble_bytes(bytes, problem);
  if (!head || *head > end) return;
  const std::string_view view(bytes);
  store_number(bytes.data() + 52, crc32c(view.substr(tarmac::internal::kPreambleBytes,
                                                     *head - tarmac::internal::kPreambleBytes),
                                         crc32c(view.substr(0, 52))));
  tarmac::internal::LogId id{};
  bytes.copy(id.data(), id.size(), 16);
  const auto seed =
      tarmac::internal::checksum_seed(id, load_number<std::uint64_t>(bytes.data() + 32));
  std::uint32_t chain = 0;
  for (std::size_t at = *head; at + kBlock <= end;) {
    const auto stored = load_number<std::uint32_t>(bytes.data() + at + 8);
    if (tarmac::internal::aligned(stored) > end - at - kBlock) break;
    store_number(bytes.data() + at + 20, crc32c(view.substr(at + kBlock, stored)));
    store_number(bytes.data() + at + 4, crc32c(view.substr(at + 8, kBlock - 8), seed));
    chain = crc32c(view.substr(at + 4, 4), chain);
    at += kBlock + tarmac::internal::aligned(stored);
  }
  store_number(bytes.data() + end + 24, std::uint64_t{end});
  store_number(bytes.data() + end + 48, chain);
  store_number(bytes.data() + end + 60, crc32c(view.substr(end, 60)));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static OneFile file;
  file.bytes = tarmac::fuzz::as_text(data, size);
  read(file);
  mend(file.bytes);
  read(file);
  return 0;
}
