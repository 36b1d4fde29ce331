// Lines of a file of dead letters: no letter, or the one that makes this very line.
#include <tarmac/policies/dead_letters.h>

#include "dead_letter_line.h"
#include "fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = tarmac::fuzz::as_text(data, size);
  if (const auto letter = tarmac::internal::from_line(text)) {
    tarmac::fuzz::require(tarmac::internal::to_line(*letter) == text, "a line is another's");
  }
  tarmac::DeadLetter letter;
  letter.write.key = text.substr(0, size / 2);
  if (size % 3 != 0) letter.write.value = text.substr(size / 2);
  letter.write.stamp = size;
  letter.reason = text;
  const auto line = tarmac::internal::to_line(letter);
  tarmac::fuzz::require(line.find('\n') == std::string::npos, "a letter has two lines");
  const auto again = tarmac::internal::from_line(line);
  tarmac::fuzz::require(
      again && again->write.key == letter.write.key && again->write.value == letter.write.value,
      "a letter is not read back");
  return 0;
}
