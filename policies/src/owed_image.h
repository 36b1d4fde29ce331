// What a write policy hands out as its image: the store's content, and what the store was owed.
#pragma once

#include <tarmac/core/backing_store.h>

#include <memory>
#include <utility>
#include <vector>

namespace tarmac::internal {

/// Shared by the policies, because a snapshot taken under one may be restored under another.
class OwedImage final : public StoreImage {
 public:
  OwedImage(std::shared_ptr<const StoreImage> store, std::vector<StoreWrite> owed)
      : store_(std::move(store)), owed_(std::move(owed)) {}

  [[nodiscard]] const StoreImage& store() const noexcept { return *store_; }
  [[nodiscard]] const std::vector<StoreWrite>& owed() const noexcept { return owed_; }

 private:
  /// Read-only; the other owners are copies of the snapshot.
  std::shared_ptr<const StoreImage> store_;
  std::vector<StoreWrite> owed_;
};

}  // namespace tarmac::internal
