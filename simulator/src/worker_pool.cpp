#include "worker_pool.h"

#include <utility>

namespace tarmac::internal {

WorkerPool::WorkerPool(unsigned jobs) {
  for (unsigned i = 1; i < jobs; ++i) threads_.emplace_back([this] { work(); });
}

WorkerPool::~WorkerPool() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  round_begins_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void WorkerPool::run(std::size_t count, const std::function<void(std::size_t)>& task) {
  std::unique_lock lock(mutex_);
  task_ = &task;
  next_ = 0;
  count_ = count;
  unfinished_ = count;
  round_begins_.notify_all();
  take_part(lock);
  round_ends_.wait(lock, [this] { return unfinished_ == 0; });
  count_ = 0;
  next_ = 0;
  if (failure_ != nullptr) std::rethrow_exception(std::exchange(failure_, nullptr));
}

void WorkerPool::work() {
  std::unique_lock lock(mutex_);
  while (true) {
    round_begins_.wait(lock, [this] { return stopping_ || next_ < count_; });
    if (stopping_) return;
    take_part(lock);
  }
}

void WorkerPool::take_part(std::unique_lock<std::mutex>& lock) {
  while (next_ < count_) {
    const std::size_t mine = next_++;
    const auto* const task = task_;
    lock.unlock();
    std::exception_ptr failure;
    try {
      (*task)(mine);
    } catch (...) {
      failure = std::current_exception();
    }
    lock.lock();
    if (failure != nullptr && failure_ == nullptr) failure_ = failure;
    if (--unfinished_ == 0) round_ends_.notify_all();
  }
}

}  // namespace tarmac::internal
