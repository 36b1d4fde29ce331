// Threads that do the tasks of one round, and wait for the next.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace tarmac::internal {

/// - Thread-safety: run() is called by one thread, which takes part in the work.
class WorkerPool {
 public:
  /// `jobs` threads in all, at least 1.
  explicit WorkerPool(unsigned jobs);
  ~WorkerPool();
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  /// Calls task(0) to task(count - 1), each once, in any order and on any thread, the first ones
  /// first. Throws what a task threw, one of them, when all others have ended.
  void run(std::size_t count, const std::function<void(std::size_t)>& task);

 private:
  void work();
  void take_part(std::unique_lock<std::mutex>& lock);

  std::mutex mutex_;
  std::condition_variable round_begins_;
  std::condition_variable round_ends_;
  const std::function<void(std::size_t)>* task_ = nullptr;
  std::size_t next_ = 0;
  std::size_t count_ = 0;
  std::size_t unfinished_ = 0;
  bool stopping_ = false;
  std::exception_ptr failure_;
  std::vector<std::thread> threads_;
};

}  // namespace tarmac::internal
