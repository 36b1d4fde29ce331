// Slow and obvious caches of keys, each after its paper, to hold the strategies to.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

namespace tarmac {

using Key = std::uint64_t;

/// A cache of keys that evicts before it inserts.
class QueueModel {
 public:
  QueueModel() = default;
  QueueModel(const QueueModel&) = delete;
  QueueModel& operator=(const QueueModel&) = delete;
  virtual ~QueueModel() = default;

  /// True for a hit; a key that misses is inserted.
  virtual bool request(Key key) = 0;
};

std::unique_ptr<QueueModel> clock_model(std::size_t capacity, int most_rounds);
std::unique_ptr<QueueModel> sieve_model(std::size_t capacity);
std::unique_ptr<QueueModel> s3fifo_model(std::size_t capacity, int threshold);
/// Keeps to the shares as long as they divide the capacity.
std::unique_ptr<QueueModel> slru_model(std::vector<std::size_t> shares);
std::unique_ptr<QueueModel> two_q_model(std::size_t capacity);
std::unique_ptr<QueueModel> arc_model(std::size_t capacity);
/// With sizes of 1, and exact.
std::unique_ptr<QueueModel> gdsf_model(std::size_t capacity);

}  // namespace tarmac
