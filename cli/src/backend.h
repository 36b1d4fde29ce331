// One backend of `tarmac write`: a store, and what became of the records that went to it.
#pragma once

#include <tarmac/core/backing_store.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tarmac::cli {

struct BackendReport {
  std::string name;
  std::string type;
  std::uint64_t written = 0;
  std::uint64_t failed = 0;
  /// Keys and values that were written.
  std::uint64_t bytes = 0;
  /// Values in the store at the end, whoever wrote them. Empty if it could not tell.
  std::optional<std::uint64_t> size;
  /// Of the read-back: found as written, not found, found with something else.
  std::uint64_t hits = 0;
  std::uint64_t misses = 0;
  std::uint64_t different = 0;
  double seconds = 0;
  double read_back_seconds = 0;
  /// The first failure; empty if there was none.
  std::string error;

  [[nodiscard]] bool ok() const noexcept {
    return failed == 0 && misses == 0 && different == 0 && error.empty();
  }
};

/// Writes to one store, and never throws for it: it counts.
class Backend {
 public:
  Backend(std::string name, std::string type, std::unique_ptr<BackingStore> store);

  /// Takes the writes over; some may wait for more of their kind until finish().
  void write(std::span<const StoreWrite> batch);
  void finish();
  /// Compares what the store has with `batch`.
  void read_back(std::span<const StoreWrite> batch, WallNanos now);
  /// Asks how many values there are.
  void measure();

  [[nodiscard]] const BackendReport& report() const noexcept { return report_; }
  [[nodiscard]] BackingStore& store() noexcept { return *store_; }

 private:
  void store_batch(std::span<const StoreWrite> batch);
  void store_one_by_one(std::span<const StoreWrite> batch);
  void count_stored(std::span<const StoreWrite> batch);
  void note(const char* what);
  [[nodiscard]] bool given_up() const noexcept;

  std::unique_ptr<BackingStore> store_;
  BackendReport report_;
  /// A store that is replaced as a whole by each batch gets few, each as large as all before.
  bool replaced_as_a_whole_;
  std::vector<StoreWrite> waiting_;
  std::uint32_t failures_in_a_row_ = 0;
  bool read_back_failed_ = false;
};

/// The backends that `json` lists. Throws ConfigError with `place` in front for what cannot be.
[[nodiscard]] std::vector<Backend> make_backends(std::string_view json, const std::string& place);

}  // namespace tarmac::cli
