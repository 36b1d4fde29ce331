#include "record_reader.h"

#include <tarmac/core/error.h>
#include <tarmac/core/parameters.h>

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <set>
#include <stdexcept>
#include <vector>

namespace tarmac::cli {
namespace {

/// The bytes of the input, with the place of the last one that was read.
class Source {
 public:
  Source(const std::filesystem::path& file, const RecordListener& listener)
      : name_(file.string()), in_(file, std::ios::binary), listener_(listener) {
    if (!in_) throw ConfigError(name_ + ": cannot be opened; is the name right?");
    fill();
  }

  [[nodiscard]] bool at_end() const noexcept { return used_ == size_; }
  [[nodiscard]] char current() const noexcept { return buffer_[used_]; }
  void advance() {
    place_ = next_;
    if (buffer_[used_] == '\n') {
      ++next_.line;
      next_.column = 1;
    } else {
      ++next_.column;
    }
    if (++read_ - mark_ > kRecordBytesMax) {
      fail(fmt::format("more than {} MiB in one record", kRecordBytesMax >> 20U));
    }
    if (++used_ == size_) fill();
  }
  /// What is read from now on counts towards the limit of a record.
  void mark() noexcept { mark_ = read_; }
  [[nodiscard]] Place place() const noexcept { return place_; }

  [[noreturn]] void fail(const std::string& what) const { fail(what, place_); }
  [[noreturn]] void fail(const std::string& what, Place place) const {
    throw ConfigError(fmt::format("{}:{}:{}: {}", name_, place.line, place.column, what));
  }

 private:
  void fill() {
    in_.read(buffer_.data(), static_cast<std::streamsize>(buffer_.size()));
    if (in_.bad()) throw std::runtime_error(name_ + ": could not be read to its end");
    size_ = static_cast<std::size_t>(in_.gcount());
    used_ = 0;
    if (listener_.on_progress) listener_.on_progress(read_);
  }

  std::string name_;
  std::ifstream in_;
  const RecordListener& listener_;
  std::vector<char> buffer_ = std::vector<char>(std::size_t{1} << 16U);
  std::size_t used_ = 0;
  std::size_t size_ = 0;
  std::uint64_t read_ = 0;
  std::uint64_t mark_ = 0;
  Place place_;
  Place next_;
};

/// What the JSON library reads through. Copies share the source, as an input iterator's may.
class SourceIterator {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = char;

  SourceIterator() = default;
  explicit SourceIterator(Source& source) : source_(&source) {}
  char operator*() const noexcept { return source_->current(); }
  SourceIterator& operator++() {
    source_->advance();
    return *this;
  }
  SourceIterator operator++(int) {
    auto before = *this;
    source_->advance();
    return before;
  }
  friend bool operator==(const SourceIterator& a, const SourceIterator& b) noexcept {
    return a.ended() == b.ended();
  }
  friend bool operator!=(const SourceIterator& a, const SourceIterator& b) noexcept {
    return !(a == b);
  }

 private:
  [[nodiscard]] bool ended() const noexcept { return source_ == nullptr || source_->at_end(); }
  Source* source_ = nullptr;
};

void append_string(std::string& text, const std::string& content) {
  const auto special = [](char one) {
    return static_cast<unsigned char>(one) < 0x20 || one == '"' || one == '\\' || one == 0x7f;
  };
  if (std::none_of(content.begin(), content.end(), special)) {
    text.append(1, '"').append(content).append(1, '"');
  } else {
    text += nlohmann::json(content).dump();
  }
}

/// Hears of the document's parts (the interface is the JSON library's), and puts records together.
class Assembler {
 public:
  Assembler(Source& source, const RecordListener& listener)
      : source_(source), listener_(listener) {}

  bool null() { return scalar("null"); }
  bool boolean(bool value) { return scalar(value ? "true" : "false"); }
  bool number_integer(std::int64_t value) { return scalar(std::to_string(value)); }
  bool number_unsigned(std::uint64_t value) { return scalar(std::to_string(value)); }
  // As it was written: not every number that JSON knows is a double.
  bool number_float(double, const std::string& text) { return scalar(text); }
  bool binary(nlohmann::json::binary_t&) { return false; }

  bool string(std::string& content) {
    if (where_ != Where::inside) return scalar("");
    separate();
    append_string(text_, content);
    if (open_.size() == 1 && is_record_) take_string(content);
    return true;
  }

  bool start_object(std::size_t) { return start('{'); }
  bool start_array(std::size_t) { return start('['); }
  bool end_object() { return end('}'); }
  bool end_array() { return end(']'); }
  bool key(std::string& name) {
    if (where_ == Where::top) {
      expect_part(name);
      return true;
    }
    separate();
    auto& level = open_.back();
    if (!level.names.insert(name).second) complain(fmt::format("has \"{}\" twice", name));
    append_string(text_, name);
    text_ += ':';
    after_name_ = true;
    if (open_.size() == 1) field_ = name;
    if (open_.size() == 1) field_begin_ = text_.size();
    return true;
  }

  template <class Exception>
  bool parse_error(std::size_t, const std::string&, const Exception& error) {
    // After "while parsing …: ", which repeats the place in another count.
    const std::string what = error.what();
    const auto reason = what.find(" - ");
    source_.fail("this is no JSON: " +
                 (reason == std::string::npos ? what : what.substr(reason + 3)));
  }

 private:
  enum class Where { before, top, records, inside };
  struct Level {
    bool empty = true;
    std::set<std::string> names;
  };

  void expect_part(const std::string& name) {
    const std::vector<std::string> parts{"backends", "records"};
    if (std::find(parts.begin(), parts.end(), name) == parts.end()) {
      const auto near = nearest_name(name, parts);
      source_.fail(fmt::format("\"{}\" is no part of an input{}; there are backends and records",
                               name, near.empty() ? "" : fmt::format(" (is it {}?)", near)));
    }
    if (!parts_.insert(name).second) source_.fail(fmt::format("\"{}\" stands here twice", name));
    part_ = name;
  }

  void expect_parts() const {
    for (const auto* part : {"backends", "records"}) {
      if (!parts_.contains(part)) source_.fail(fmt::format("the input has no {}", part));
    }
  }

  void separate() {
    if (after_name_) {
      after_name_ = false;
    } else if (!open_.empty()) {
      if (!open_.back().empty) text_ += ',';
      open_.back().empty = false;
    }
  }

  void complain(const std::string& what) {
    if (record_.problem.empty()) record_.problem = what;
  }

  void begin(bool is_record) {
    is_record_ = is_record;
    where_ = Where::inside;
    text_.clear();
    record_ = {};
    record_.place = source_.place();
    if (is_record) record_.number = ++records_;
    source_.mark();
  }

  bool start(char bracket) {
    switch (where_) {
      case Where::before:
        if (bracket != '{') source_.fail("an input is an object with backends and records");
        where_ = Where::top;
        return true;
      case Where::top:
        if (bracket != '[') source_.fail(fmt::format("{} has to be a list", part_));
        if (part_ == "records") {
          where_ = Where::records;
          return true;
        }
        begin(false);
        break;
      case Where::records:
        begin(true);
        if (bracket != '{') complain("is a list, and has to be an object");
        break;
      case Where::inside:
        break;
    }
    separate();
    text_ += bracket;
    open_.emplace_back();
    if (open_.size() > kRecordDepthMax) {
      source_.fail(fmt::format("more than {} lists and objects in one another", kRecordDepthMax));
    }
    return true;
  }

  bool end(char bracket) {
    if (where_ != Where::inside) {
      if (where_ == Where::top) expect_parts();
      where_ = Where::top;
      source_.mark();
      return true;
    }
    open_.pop_back();
    text_ += bracket;
    if (open_.size() == 1 && is_record_) take_field(false);
    if (open_.empty()) deliver();
    return true;
  }

  bool scalar(std::string_view text) {
    switch (where_) {
      case Where::before:
        source_.fail("an input is an object with backends and records");
      case Where::top:
        source_.fail(fmt::format("{} has to be a list", part_));
      case Where::records:
        begin(true);
        complain("has to be an object");
        deliver();
        return true;
      case Where::inside:
        break;
    }
    separate();
    text_ += text;
    if (open_.size() == 1 && is_record_) take_field(false);
    return true;
  }

  void take_string(const std::string& content) {
    if (field_ == "key") record_.key = content;
    if (field_ == "ttl") record_.ttl = content;
    // The text itself: a cache of strings then reads what was meant.
    if (field_ == "value") string_value_ = content;
    take_field(true);
  }

  void take_field(bool is_string) {
    if (field_ == "key") {
      record_.has_key = true;
    } else if (field_ == "value") {
      has_value_ = true;
      value_is_string_ = is_string;
      value_begin_ = field_begin_;
      value_size_ = text_.size() - field_begin_;
    } else if (field_ == "ttl") {
      if (!is_string) complain("has a ttl that is no string; write it as \"30s\" or \"2h\"");
    } else {
      const std::vector<std::string> fields{"key", "value", "ttl"};
      const auto near = nearest_name(field_, fields);
      complain(fmt::format("has a field \"{}\", which means nothing{}", field_,
                           near.empty() ? "" : fmt::format("; did you mean \"{}\"?", near)));
    }
  }

  void deliver() {
    if (!is_record_) {
      where_ = Where::top;
      if (listener_.on_backends) listener_.on_backends(text_, record_.place);
    } else {
      where_ = Where::records;
      if (!has_value_) complain("has no value");
      record_.content = text_;
      record_.value = value_is_string_ ? std::string_view(string_value_)
                                       : std::string_view(text_).substr(value_begin_, value_size_);
      if (listener_.on_record) listener_.on_record(record_);
    }
    has_value_ = value_is_string_ = false;
    value_begin_ = value_size_ = 0;
    source_.mark();
  }

  Source& source_;
  const RecordListener& listener_;
  Where where_ = Where::before;
  std::string part_;
  std::set<std::string> parts_;
  std::uint64_t records_ = 0;

  // Of the record (or of the backends) that is being read.
  bool is_record_ = false;
  RawRecord record_;
  std::string text_;
  std::vector<Level> open_;
  bool after_name_ = false;
  std::string field_;
  std::size_t field_begin_ = 0;
  bool has_value_ = false;
  bool value_is_string_ = false;
  std::string string_value_;
  std::size_t value_begin_ = 0;
  std::size_t value_size_ = 0;
};

}  // namespace

void read_records(const std::filesystem::path& file, const RecordListener& listener) {
  Source source(file, listener);
  Assembler assembler(source, listener);
  // Every failure is thrown from within, with its place.
  static_cast<void>(
      nlohmann::json::sax_parse(SourceIterator(source), SourceIterator(), &assembler));
}

}  // namespace tarmac::cli
