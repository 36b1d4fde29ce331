// Figures of a cache that only one kind of it has, for observers that show whatever there is.
#pragma once

#include <functional>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace tarmac {

/// One series. Those of one name have one help and one kind.
struct ExtraFigure {
  /// As a metric is named, for example `tarmac_cache_l2_errors_total`.
  std::string name;
  std::string help;
  /// It never falls.
  bool is_counter = true;
  double value = 0;
  /// Beside `cache`.
  std::vector<std::pair<std::string, std::string>> labels = {};
};

/// Where the figures come from, if from anywhere.
/// Thread-safety: all members may be called from any thread.
class ExtraFigures {
 public:
  using Read = std::function<std::vector<ExtraFigure>()>;

  /// Null for none. When it returns, nobody is in the old one any more.
  void set(Read read) {
    const std::lock_guard lock(mutex_);
    read_.swap(read);
  }
  [[nodiscard]] std::vector<ExtraFigure> read() const {
    const std::lock_guard lock(mutex_);
    return read_ ? read_() : std::vector<ExtraFigure>();
  }

 private:
  mutable std::mutex mutex_;
  Read read_;
};

}  // namespace tarmac
