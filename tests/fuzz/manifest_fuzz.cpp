// Manifests: any bytes are refused with a reason, or mean what is written when they are written
// again.
#include <string>

#include "bytes.h"
#include "crc32c.h"
#include "fuzz.h"
#include "manifest.h"

namespace {

void read(std::string_view bytes) {
  std::string problem;
  const auto manifest = tarmac::internal::decode_manifest(bytes, problem);
  tarmac::fuzz::require(manifest.has_value() == problem.empty(), "refused without a reason");
  if (!manifest) return;
  const auto again = tarmac::internal::encode_manifest(*manifest);
  const auto same = tarmac::internal::decode_manifest(again, problem);
  tarmac::fuzz::require(same.has_value(), "writes what it does not read");
  tarmac::fuzz::require(tarmac::internal::encode_manifest(*same) == again, "means something else");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string bytes(tarmac::fuzz::as_text(data, size));
  read(bytes);
  if (bytes.size() < sizeof(std::uint32_t)) return 0;
  const auto covered = bytes.size() - sizeof(std::uint32_t);
  tarmac::internal::store_number(
      bytes.data() + covered, tarmac::internal::crc32c(std::string_view(bytes).substr(0, covered)));
  read(bytes);
  return 0;
}
