// A loop shared out among a few threads.
#pragma once

#include <atomic>
#include <cstdint>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace tarmac::internal {

/// Threads that do parts of one work after the other beside the caller. They are started with the
/// first, and stopped by the destructor.
///
/// - Thread-safety: not synchronised; one thread calls.
class Crew {
 public:
  /// What member `member` of `members` does, from 1; 0 is the caller.
  using Work = std::function<void(std::size_t member, std::size_t members)>;

  /// Of at most `most` members with the caller, and no more than there are processors.
  explicit Crew(std::size_t most);
  ~Crew();
  Crew(const Crew&) = delete;
  Crew& operator=(const Crew&) = delete;

  /// Whether there may be more than the caller.
  [[nodiscard]] bool is_more_than_one() const noexcept { return size_ > 1; }
  /// Lets the others begin their parts of `work`, each in its own thread. Returns how many members
  /// there are: fewer if the system has no more threads. Requires: end() was called for the last.
  std::size_t begin(Work work);
  /// Waits until the others have done their parts, if they have begun any. What they did happens
  /// before this returns. Throws what one of them has thrown.
  void end();
  /// Does `work` with the others, the caller's part too. Throws what one of them has thrown, when
  /// all are done.
  void run(const Work& work);

 private:
  void start();
  void serve(std::size_t member);
  void do_part(std::size_t member, std::size_t members) noexcept;
  void wait() noexcept;

  std::size_t size_;
  bool started_ = false;
  std::vector<std::thread> threads_;
  Work work_;  ///< none: it is over
  std::atomic<std::uint32_t> round_{0};
  std::atomic<std::uint32_t> working_{0};
  std::mutex mutex_;
  std::exception_ptr failure_;
};

}  // namespace tarmac::internal
