#include <tarmac/core/cache_base.h>

#include <utility>

namespace tarmac {

CacheBase::CacheBase(std::string name)
    : name_(std::move(name)), probe_(std::make_shared<CacheProbe>(*this)) {}

CacheBase::~CacheBase() { probe_->detach(); }

void CacheBase::detach_probe() noexcept { probe_->detach(); }

bool CacheProbe::with_cache(const std::function<void(CacheBase&)>& look) {
  const std::lock_guard lock(mutex_);
  if (cache_ == nullptr) return false;
  look(*cache_);
  return true;
}

void CacheProbe::detach() noexcept {
  const std::lock_guard lock(mutex_);
  cache_ = nullptr;
}

}  // namespace tarmac
