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
  blocked_key_.clear();
}

void FaultyStore::block_writes_of(std::string key) {
  const std::lock_guard lock(mutex_);
  blocking_ = true;
  blocked_key_ = std::move(key);
  changed_.notify_all();
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

void FaultyStore::refuse_keys(std::function<bool(std::string_view key)> refuses, bool names_them) {
  const std::lock_guard lock(mutex_);
  refuses_ = std::move(refuses);
  names_refused_ = names_them;
}

void FaultyStore::fail_loads(bool fails) {
  const std::lock_guard lock(mutex_);
  loads_fail_ = fails;
}

std::uint64_t FaultyStore::loads() const {
  const std::lock_guard lock(mutex_);
  return loads_;
}

std::optional<StoredValue> FaultyStore::load(std::string_view key, WallNanos wall_now) {
  {
    const std::lock_guard lock(mutex_);
    ++loads_;
    if (loads_fail_) throw StoreError("the store was told to fail");
  }
  return inner_->load(key, wall_now);
}

void FaultyStore::fail_if_told(std::span<const StoreWrite> batch) {
  const auto picked = [batch](const std::function<bool(std::string_view)>& picks) {
    std::vector<std::string> keys;
    for (const auto& write : batch) {
      if (picks && picks(write.key)) keys.push_back(write.key);
    }
    return keys;
  };
  if (failures_left_ != 0) {
    --failures_left_;
    throw StoreError("the store was told to fail");
  }
  if (!picked(fails_).empty()) throw StoreError("the store was told to fail");
  auto refused = picked(refuses_);
  if (refused.empty()) return;
  if (!names_refused_) refused.clear();
  throw PermanentStoreError("the store was told to refuse", std::move(refused));
}

void FaultyStore::write(std::span<const StoreWrite> batch) {
  {
    std::unique_lock lock(mutex_);
    batches_.emplace_back(batch.begin(), batch.end());
    ++blocked_;
    changed_.notify_all();
    changed_.wait(lock, [this, batch] {
      const auto is_blocked = [this](const auto& write) {
        return blocked_key_.empty() || write.key == blocked_key_;
      };
      return !blocking_ || std::ranges::none_of(batch, is_blocked);
    });
    --blocked_;
    fail_if_told(batch);
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
