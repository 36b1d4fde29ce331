#include <tarmac/core/error.h>
#include <tarmac/testing/faulty_store.h>

#include <algorithm>
#include <utility>

namespace tarmac::testing {

void FaultyStore::fail_next_writes(std::uint64_t count) {
  const std::lock_guard lock(mutex_);
  failures_left_ = count;
}

void FaultyStore::fail_keys(std::function<bool(std::string_view key)> fails) {
  const std::lock_guard lock(mutex_);
  fails_ = std::move(fails);
}

void FaultyStore::fail_put_back(bool fails) {
  const std::lock_guard lock(mutex_);
  put_back_fails_ = fails;
}

void FaultyStore::block_writes() {
  const std::lock_guard lock(mutex_);
  blocking_ = true;
}

void FaultyStore::release_writes() {
  const std::lock_guard lock(mutex_);
  blocking_ = false;
  changed_.notify_all();
}

void FaultyStore::await_blocked(std::size_t count) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return blocked_ >= count; });
}

void FaultyStore::await_attempts(std::uint64_t count) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return batches_.size() >= count; });
}

std::uint64_t FaultyStore::attempts() const {
  const std::lock_guard lock(mutex_);
  return batches_.size();
}

std::vector<std::vector<StoreWrite>> FaultyStore::batches() const {
  const std::lock_guard lock(mutex_);
  return batches_;
}

std::uint64_t FaultyStore::attempts_for(std::string_view key) const {
  const std::lock_guard lock(mutex_);
  std::uint64_t attempts = 0;
  for (const auto& batch : batches_) {
    if (std::ranges::any_of(batch, [key](const auto& write) { return write.key == key; })) {
      ++attempts;
    }
  }
  return attempts;
}

bool FaultyStore::has_to_fail(std::span<const StoreWrite> batch) {
  if (failures_left_ != 0) {
    --failures_left_;
    return true;
  }
  return fails_ &&
         std::ranges::any_of(batch, [this](const auto& write) { return fails_(write.key); });
}

void FaultyStore::write(std::span<const StoreWrite> batch) {
  {
    std::unique_lock lock(mutex_);
    batches_.emplace_back(batch.begin(), batch.end());
    ++blocked_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return !blocking_; });
    --blocked_;
    if (has_to_fail(batch)) throw StoreError("the store was told to fail");
  }
  inner_->write(batch);
}

void FaultyStore::put_back(const StoreImage& image) {
  {
    const std::lock_guard lock(mutex_);
    if (put_back_fails_) throw StoreError("the store was told to fail");
  }
  inner_->put_back(image);
}

}  // namespace tarmac::testing
