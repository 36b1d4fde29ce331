#include <tarmac/core/internal/crew.h>
#include <tarmac/core/internal/spin_then_wait.h>

#include <algorithm>
#include <system_error>
#include <utility>

namespace tarmac::internal {
namespace {

/// Parts are short: the next one mostly comes sooner than a thread would wake.
void wait_while(const std::atomic<std::uint32_t>& number, std::uint32_t value) noexcept {
  constexpr int kLooks = 200;
  for (int look = 0; look < kLooks; ++look) {
    if (number.load(std::memory_order_acquire) != value) return;
    spin_a_little();
  }
  number.wait(value, std::memory_order_acquire);
}

}  // namespace

Crew::Crew(std::size_t most)
    : size_(std::clamp<std::size_t>(std::thread::hardware_concurrency(), 1,
                                    std::max<std::size_t>(most, 1))) {}

Crew::~Crew() {
  wait();
  work_ = nullptr;
  round_.fetch_add(1, std::memory_order_release);
  round_.notify_all();
  for (auto& thread : threads_) thread.join();
}

void Crew::start() {
  started_ = true;
  threads_.reserve(size_ - 1);
  try {
    while (threads_.size() + 1 < size_) {
      threads_.emplace_back([this, member = threads_.size() + 1] { serve(member); });
    }
  } catch (const std::system_error&) {
    // The system has no more of them: those that there are do the work.
  }
}

void Crew::serve(std::size_t member) {
  for (std::uint32_t seen = 0;; ++seen) {
    wait_while(round_, seen);
    if (!work_) return;
    do_part(member, threads_.size() + 1);
    if (working_.fetch_sub(1, std::memory_order_release) == 1) working_.notify_one();
  }
}

void Crew::do_part(std::size_t member, std::size_t members) noexcept {
  try {
    work_(member, members);
  } catch (...) {
    const std::lock_guard lock(mutex_);
    if (!failure_) failure_ = std::current_exception();
  }
}

std::size_t Crew::begin(Work work) {
  if (!started_) start();
  work_ = std::move(work);
  working_.store(static_cast<std::uint32_t>(threads_.size()), std::memory_order_relaxed);
  round_.fetch_add(1, std::memory_order_release);
  round_.notify_all();
  return threads_.size() + 1;
}

void Crew::wait() noexcept {
  for (auto left = working_.load(std::memory_order_acquire); left != 0;
       left = working_.load(std::memory_order_acquire)) {
    wait_while(working_, left);
  }
}

void Crew::end() {
  wait();
  if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
}

void Crew::run(const Work& work) {
  const auto members = begin(work);
  do_part(0, members);
  end();
}

}  // namespace tarmac::internal
