// Inputs of `tarmac write`: refused with ConfigError, or read to the end.
#include <tarmac/core/error.h>

#include "fuzz.h"
#include "key_book.h"
#include "record_reader.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const tarmac::fuzz::MemoryFile file;
  file.fill(tarmac::fuzz::as_text(data, size));
  tarmac::cli::KeyBook plain(false);
  tarmac::cli::KeyBook generating(true);
  std::uint64_t records = 0;
  tarmac::cli::RecordListener listener;
  listener.on_record = [&](const tarmac::cli::RawRecord& record) {
    using Fate = tarmac::cli::Verdict::Fate;
    tarmac::fuzz::require(record.number == ++records, "records are not counted one by one");
    const auto verdict = plain.judge(record);
    tarmac::fuzz::require((verdict.fate == Fate::refused) == !verdict.why.empty(),
                          "refused without a reason, or the other way round");
    tarmac::fuzz::require(verdict.fate != Fate::write || !verdict.key.empty(), "no key");
    const auto generated = generating.judge(record);
    tarmac::fuzz::require(generated.fate != Fate::write || !generated.key.empty(), "no key");
  };
  try {
    tarmac::cli::read_records(file.path(), listener);
  } catch (const tarmac::ConfigError&) {
    return 0;
  }
  return 0;
}
