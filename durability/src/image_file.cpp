#include "image_file.h"

#include <fcntl.h>
#include <tarmac/core/error.h>
#include <zstd.h>

#include <algorithm>

#include "bytes.h"
#include "crc32c.h"
#include "image_format.h"

namespace tarmac::internal {
namespace {

/// The quickest: an image is written beside running traffic.
constexpr int kPackingLevel = 1;
/// No block unpacks to more, by the format of zstd and by the largest record.
constexpr std::uint64_t kUnpackedMost = kRecordBytesMost + 2 * kBlockBytes;
constexpr std::uint64_t kUnpackedOfAByte = 64ULL << 10U;

std::uint32_t chained(std::uint32_t chain, std::uint32_t checksum) {
  std::string bytes;
  append_number(bytes, checksum);
  return crc32c(bytes, chain);
}

}  // namespace

class ImageFileWriter::Packer {
 public:
  Packer() : context_(ZSTD_createCCtx()) {
    if (context_ == nullptr) throw std::bad_alloc();
  }
  Packer(const Packer&) = delete;
  Packer& operator=(const Packer&) = delete;
  ~Packer() { ZSTD_freeCCtx(context_); }

  /// `raw` itself if it does not get smaller.
  std::string_view pack(std::string_view raw) {
    packed_.resize(ZSTD_compressBound(raw.size()));
    const auto bytes = ZSTD_compressCCtx(context_, packed_.data(), packed_.size(), raw.data(),
                                         raw.size(), kPackingLevel);
    if (ZSTD_isError(bytes) != 0 || bytes >= raw.size()) return raw;
    return std::string_view(packed_).substr(0, bytes);
  }

 private:
  ZSTD_CCtx* context_;
  std::string packed_;
};

ImageFileWriter::ImageFileWriter(const Folder& folder, std::string name,
                                 const ImagePreamble& preamble)
    : folder_(folder),
      name_(std::move(name)),
      position_(preamble.position),
      seed_(checksum_seed(preamble.id, preamble.position)),
      packer_(std::make_unique<Packer>()) {
  const auto head = encode_preamble(preamble);
  if (head.size() > kPreambleMost) throw DurabilityError("the names of the cache are too long");
  file_ = folder_.try_create(name_);
  if (!file_.is_open()) folder_.fail("make it", name_);
  if (folder_.write_at(file_, head, 0)) {
    offset_ = head.size();
    return;
  }
  const auto reason = system_reason();
  folder_.remove(name_);
  throw DurabilityError(folder_.path_of(name_) + ": write it: " + reason);
}

ImageFileWriter::~ImageFileWriter() {
  if (removes_) folder_.remove(name_);
}

void ImageFileWriter::put(std::string_view bytes) {
  if (!folder_.write_at(file_, bytes, offset_)) folder_.fail("write it", name_);
  offset_ += bytes.size();
}

void ImageFileWriter::add(const JournalRecord& entry) {
  append_change(block_, entry);
  ++block_entries_;
  if (block_.size() >= kBlockBytes) write_block();
}

void ImageFileWriter::write_block() {
  if (block_entries_ == 0) return;
  const auto stored = packer_->pack(block_);
  BlockHeader header;
  header.stored_bytes = static_cast<std::uint32_t>(stored.size());
  header.raw_bytes = static_cast<std::uint32_t>(block_.size());
  header.entries = block_entries_;
  header.payload_checksum = crc32c(stored);
  header.index = footer_.blocks;
  auto bytes = encode_block_header(header, seed_);
  bytes += stored;
  bytes.resize(aligned(bytes.size()));
  put(bytes);
  footer_.entries += block_entries_;
  ++footer_.blocks;
  footer_.chain = chained(footer_.chain, header.checksum);
  block_.clear();
  block_entries_ = 0;
}

ImageFooter ImageFileWriter::finish(JournalPosition reach) {
  write_block();
  footer_.offset = offset_;
  footer_.position = position_;
  footer_.reach = reach;
  put(encode_footer(footer_));
  if (folder_.ops().sync(file_.get()) != 0) folder_.fail("sync it", name_);
  file_ = File();
  return footer_;
}

class ImageFileReader::Unpacker {
 public:
  Unpacker() : context_(ZSTD_createDCtx()) {
    if (context_ == nullptr) throw std::bad_alloc();
  }
  Unpacker(const Unpacker&) = delete;
  Unpacker& operator=(const Unpacker&) = delete;
  ~Unpacker() { ZSTD_freeDCtx(context_); }

  std::optional<std::string_view> unpack(std::string_view stored, std::uint64_t raw_bytes) {
    if (stored.size() == raw_bytes) return stored;
    if (raw_bytes > kUnpackedMost || raw_bytes / kUnpackedOfAByte > stored.size()) {
      return std::nullopt;
    }
    if (ZSTD_getFrameContentSize(stored.data(), stored.size()) != raw_bytes) return std::nullopt;
    raw_.resize(raw_bytes);
    const auto bytes =
        ZSTD_decompressDCtx(context_, raw_.data(), raw_.size(), stored.data(), stored.size());
    if (ZSTD_isError(bytes) != 0 || bytes != raw_bytes) return std::nullopt;
    return raw_;
  }

 private:
  ZSTD_DCtx* context_;
  std::string raw_;
};

struct ImageFileReader::Block {
  BlockHeader header;
  std::uint64_t end = 0;
};

ImageFileReader::ImageFileReader(const Folder& folder, std::string name)
    : folder_(folder),
      name_(std::move(name)),
      file_(folder.open(name_, O_RDONLY)),
      size_(folder.size_of(file_, name_)),
      unpacker_(std::make_unique<Unpacker>()) {
  read_footer();
  read_preamble();
}

ImageFileReader::~ImageFileReader() = default;

void ImageFileReader::damaged(std::string_view what, std::uint64_t offset) const {
  throw DurabilityError(folder_.path_of(name_) + ": " + std::string(what) + " at byte " +
                        std::to_string(offset) +
                        "; nothing of it was used. `tarmac inspect --salvage` recovers what is "
                        "sound into a copy");
}

void ImageFileReader::read_footer() {
  if (size_ < kPreambleBytes + kImageFooterBytes) damaged("the file is too short", size_);
  std::string bytes(kImageFooterBytes, '\0');
  const auto at = size_ - kImageFooterBytes;
  bytes.resize(folder_.read_at(file_, name_, bytes.data(), bytes.size(), at));
  const auto footer = decode_footer(bytes);
  if (!footer) damaged("the end is missing or damaged", at);
  if (footer->offset != at) damaged("bytes are missing or too many", at);
  footer_ = *footer;
}

void ImageFileReader::read_preamble() {
  std::string bytes(kPreambleBytes, '\0');
  std::string problem;
  bytes.resize(folder_.read_at(file_, name_, bytes.data(), bytes.size(), 0));
  const auto length = preamble_bytes(bytes, problem);
  if (!length) damaged(problem, 0);
  if (*length > footer_.offset) damaged("its head is damaged", 0);
  bytes.resize(*length);
  bytes.resize(folder_.read_at(file_, name_, bytes.data(), bytes.size(), 0));
  if (bytes.size() != *length) damaged("the file is too short", bytes.size());
  auto preamble = decode_preamble(bytes, problem);
  if (!preamble) damaged(problem, 0);
  preamble_ = *std::move(preamble);
  if (footer_.position != preamble_.position) damaged("head and end are of two files", 0);
  blocks_begin_ = *length;
  seed_ = checksum_seed(preamble_.id, preamble_.position);
}

std::optional<ImageFileReader::Block> ImageFileReader::block_at(std::uint64_t offset) {
  if (footer_.offset - offset < kBlockHeaderBytes) return std::nullopt;
  std::string bytes(kBlockHeaderBytes, '\0');
  bytes.resize(folder_.read_at(file_, name_, bytes.data(), bytes.size(), offset));
  const auto header = decode_block_header(bytes, seed_);
  if (!header) return std::nullopt;
  const auto begin = offset + kBlockHeaderBytes;
  const auto padded = aligned(header->stored_bytes);
  if (padded > footer_.offset - begin) return std::nullopt;
  stored_.resize(padded);
  if (folder_.read_at(file_, name_, stored_.data(), padded, begin) != padded) return std::nullopt;
  const auto zero = [](char byte) { return byte == '\0'; };
  if (!std::all_of(stored_.begin() + header->stored_bytes, stored_.end(), zero)) {
    return std::nullopt;
  }
  stored_.resize(header->stored_bytes);
  if (crc32c(stored_) != header->payload_checksum) return std::nullopt;
  return Block{*header, begin + padded};
}

bool ImageFileReader::show(const Block& block, const Journal::Visit& visit) {
  const auto raw = unpacker_->unpack(stored_, block.header.raw_bytes);
  if (!raw) return false;
  // First without showing anything: a block is shown wholly or not at all.
  if (read_changes(*raw, {}) != block.header.entries) return false;
  return !visit || read_changes(*raw, visit).has_value();
}

template <class Use>
void ImageFileReader::walk(const Use& use) {
  std::uint64_t offset = blocks_begin_;
  std::uint64_t entries = 0;
  std::uint32_t chain = 0;
  for (std::uint64_t index = 0; index < footer_.blocks; ++index) {
    const auto block = block_at(offset);
    if (!block || block->header.index != index || !use(*block)) {
      damaged("block " + std::to_string(index) + " is damaged", offset);
    }
    entries += block->header.entries;
    chain = chained(chain, block->header.checksum);
    offset = block->end;
  }
  if (offset != footer_.offset || entries != footer_.entries || chain != footer_.chain) {
    damaged("the blocks are not those that its end counts", offset);
  }
}

void ImageFileReader::verify() {
  walk([](const Block&) { return true; });
}

void ImageFileReader::read(const Journal::Visit& visit) {
  walk([&](const Block& block) { return show(block, visit); });
}

std::uint64_t ImageFileReader::read_sound(const Journal::Visit& visit) {
  std::uint64_t sound = 0;
  std::uint64_t offset = blocks_begin_;
  while (offset + kBlockHeaderBytes <= footer_.offset) {
    const auto block = block_at(offset);
    if (block && show(*block, visit)) {
      ++sound;
      offset = block->end;
    } else {
      offset += kAlignment;
    }
  }
  return sound;
}

}  // namespace tarmac::internal
