#include <fcntl.h>
#include <sys/file.h>
#include <tarmac/core/error.h>
#include <tarmac/policies/dead_letters.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <iterator>
#include <system_error>

#include "dead_letter_line.h"

namespace tarmac {
namespace {

namespace fs = std::filesystem;

/// After so many letters in a row that were refused, the store is taken to be down.
constexpr int kGiveUpAfter = 24;

[[noreturn]] void fail(const fs::path& file, const char* what, int error) {
  throw StoreError("dead-letter file " + file.string() + ": " + what + ": " +
                   std::generic_category().message(error));
}

/// A file that is closed at the end.
class Descriptor {
 public:
  Descriptor(const fs::path& file, int flags)
      : fd_(::open(file.c_str(), flags | O_CLOEXEC | O_NOFOLLOW, 0600)) {
    if (fd_ < 0) fail(file, "open it", errno);
  }
  ~Descriptor() { ::close(fd_); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  [[nodiscard]] int get() const noexcept { return fd_; }

 private:
  int fd_;
};

fs::path folder_of(const fs::path& file) {
  return file.has_parent_path() ? file.parent_path() : fs::path(".");
}

void make_folders(const fs::path& file) {
  std::error_code error;
  fs::create_directories(folder_of(file), error);
  if (error) fail(file, "make its folder", error.value());
}

/// Whoever adds to the file, or replaces it, has this meanwhile.
class Turn {
 public:
  explicit Turn(const fs::path& file) : lock_(file.string() + ".lock", O_RDWR | O_CREAT) {
    while (::flock(lock_.get(), LOCK_EX) != 0) {
      if (errno != EINTR) fail(file, "lock it", errno);
    }
  }

 private:
  Descriptor lock_;
};

void write_all(const fs::path& file, int fd, std::string_view text) {
  while (!text.empty()) {
    const auto written = ::write(fd, text.data(), text.size());
    if (written < 0 && errno != EINTR) fail(file, "write to it", errno);
    if (written > 0) text.remove_prefix(static_cast<std::size_t>(written));
  }
  if (::fsync(fd) != 0) fail(file, "sync it", errno);
}

void sync_folder(const fs::path& file) {
  const Descriptor folder(folder_of(file), O_RDONLY | O_DIRECTORY);
  if (::fsync(folder.get()) != 0) fail(file, "sync its folder", errno);
}

std::string text_of(const fs::path& file) {
  if (!fs::exists(file)) return {};
  std::ifstream in(file, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  if (!in) fail(file, "read it", errno);
  return text;
}

/// Calls `visit(line, number)` for each line that has something in it.
template <class Visit>
void for_each_line(std::string_view text, const Visit& visit) {
  for (std::size_t number = 1; !text.empty(); ++number) {
    const auto end = std::min(text.find('\n'), text.size());
    if (end != 0) visit(text.substr(0, end), number);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

/// Empty text removes the file.
void replace(const fs::path& file, const std::string& text) {
  if (text.empty()) {
    if (::unlink(file.c_str()) != 0 && errno != ENOENT) fail(file, "remove it", errno);
  } else {
    const fs::path next = file.string() + ".tmp";
    {
      const Descriptor out(next, O_WRONLY | O_CREAT | O_TRUNC);
      write_all(next, out.get(), text);
    }
    if (::rename(next.c_str(), file.c_str()) != 0) fail(file, "replace it", errno);
  }
  sync_folder(file);
}

}  // namespace

void append_dead_letters(const fs::path& file, std::span<const DeadLetter> letters) {
  if (letters.empty()) return;
  make_folders(file);
  const Turn turn(file);
  const bool is_new = !fs::exists(file);
  const Descriptor out(file, O_RDWR | O_CREAT | O_APPEND);
  std::string text;
  // What a crash tore must not take the next letter along.
  char last = '\n';
  if (const auto size = ::lseek(out.get(), 0, SEEK_END); size > 0) {
    if (::pread(out.get(), &last, 1, size - 1) != 1) fail(file, "read its end", errno);
  }
  if (last != '\n') text += '\n';
  for (const auto& letter : letters) text += internal::to_line(letter) + '\n';
  write_all(file, out.get(), text);
  if (is_new) sync_folder(file);
}

DeadLetters read_dead_letters(const fs::path& file) {
  DeadLetters found;
  for_each_line(text_of(file), [&found](std::string_view line, std::size_t number) {
    if (auto letter = internal::from_line(line)) {
      found.letters.push_back(std::move(*letter));
    } else {
      found.damaged.push_back("line " + std::to_string(number));
    }
  });
  return found;
}

DeadLetterReport replay_dead_letters(const fs::path& file, BackingStore& store) {
  DeadLetterReport report;
  if (!fs::exists(file)) return report;
  const Turn turn(file);
  std::string left;
  int refused_in_a_row = 0;
  const auto text = text_of(file);
  for_each_line(text, [&](std::string_view line, std::size_t number) {
    const auto letter = internal::from_line(line);
    try {
      if (!letter) throw StoreError("line " + std::to_string(number) + " is damaged");
      if (refused_in_a_row == kGiveUpAfter) throw StoreError(std::string(report.error));
      store.write({&letter->write, 1});
      ++report.replayed;
      refused_in_a_row = 0;
    } catch (const StoreError& error) {
      ++report.left;
      if (!letter) ++report.damaged;
      if (letter && refused_in_a_row < kGiveUpAfter) ++refused_in_a_row;
      report.error = error.what();
      left.append(line).append(1, '\n');
    }
  });
  if (report.replayed != 0) replace(file, left);
  return report;
}

}  // namespace tarmac
