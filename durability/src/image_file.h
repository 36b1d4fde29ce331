// An image in a file: blocks of entries, each with its checksum, packed with zstd.
#pragma once

#include <tarmac/core/journal.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "folder.h"
#include "frame.h"

namespace tarmac::internal {

/// What the file begins with.
struct ImagePreamble {
  LogId id{};
  /// As in a manifest; 0 for a snapshot, which no log goes with.
  JournalPosition position = 0;
  ImageHeader header;
};

/// What it ends with, and what is read first.
struct ImageFooter {
  std::uint64_t entries = 0;
  std::uint64_t blocks = 0;
  /// Where the footer begins.
  std::uint64_t offset = 0;
  JournalPosition position = 0;
  JournalPosition reach = 0;
  /// Over the checksums of all blocks.
  std::uint32_t chain = 0;
  std::uint32_t checksum = 0;
};

inline constexpr std::uint64_t kImageFooterBytes = 64;

/// Writes one. Destroyed before finish(): the file is removed.
///
/// - Thread-safety: not synchronised.
/// - Exceptions: DurabilityError.
class ImageFileWriter {
 public:
  ImageFileWriter(const Folder& folder, std::string name, const ImagePreamble& preamble);
  ImageFileWriter(const ImageFileWriter&) = delete;
  ImageFileWriter& operator=(const ImageFileWriter&) = delete;
  ~ImageFileWriter();

  void add(const JournalRecord& entry);
  /// Ends it, and makes it durable. Only once.
  ImageFooter finish(JournalPosition reach);
  /// The file stays after all: it has another name now.
  void dismiss() noexcept { removes_ = false; }
  [[nodiscard]] const std::string& name() const noexcept { return name_; }

 private:
  class Packer;

  void write_block();
  void put(std::string_view bytes);

  const Folder& folder_;
  std::string name_;
  bool removes_ = true;
  JournalPosition position_;
  std::uint32_t seed_;
  File file_;
  std::unique_ptr<Packer> packer_;
  std::string block_;
  std::uint32_t block_entries_ = 0;
  std::uint64_t offset_ = 0;
  ImageFooter footer_;
};

/// Reads one. The constructor checks footer and preamble.
class ImageFileReader {
 public:
  /// `limit` is the largest block that is unpacked.
  ImageFileReader(const Folder& folder, std::string name);
  ImageFileReader(const ImageFileReader&) = delete;
  ImageFileReader& operator=(const ImageFileReader&) = delete;
  ~ImageFileReader();

  [[nodiscard]] const ImagePreamble& preamble() const noexcept { return preamble_; }
  [[nodiscard]] const ImageFooter& footer() const noexcept { return footer_; }
  [[nodiscard]] std::uint64_t bytes() const noexcept { return size_; }

  /// Checks the checksums of all blocks, and that they are those of this file.
  void verify();
  /// Shows all entries; with an empty `visit` it only checks them. Each block is checked, down to
  /// its entries, before any of it is shown.
  void read(const Journal::Visit& visit);
  /// Shows the entries of blocks that are whole, and leaves out the others. Returns how many blocks
  /// were whole.
  std::uint64_t read_sound(const Journal::Visit& visit);

 private:
  class Unpacker;
  struct Block;

  void read_footer();
  void read_preamble();
  /// nullopt: there is no whole block at `offset`.
  [[nodiscard]] std::optional<Block> block_at(std::uint64_t offset);
  [[nodiscard]] bool show(const Block& block, const Journal::Visit& visit);
  /// Calls `use(block)`, which says whether it is sound, for all blocks.
  template <class Use>
  void walk(const Use& use);
  [[noreturn]] void damaged(std::string_view what, std::uint64_t offset) const;

  const Folder& folder_;
  std::string name_;
  File file_;
  std::uint64_t size_ = 0;
  ImagePreamble preamble_;
  std::uint64_t blocks_begin_ = 0;
  ImageFooter footer_;
  std::uint32_t seed_ = 0;
  std::unique_ptr<Unpacker> unpacker_;
  std::string stored_;
};

}  // namespace tarmac::internal
