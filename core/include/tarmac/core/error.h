// What Tarmac throws: one small hierarchy, whose types say what the caller should do next.
#pragma once

#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace tarmac {

/// The root of everything this library throws by itself. What users' code throws passes through
/// unchanged. A message is a sentence that names the place and the mend.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// A setting is wrong: correct it. Nothing was changed.
class ConfigError : public Error {
 public:
  using Error::Error;
};

/// The backing store did not answer, or refused. The cache itself is intact: retry later.
class StoreError : public Error {
 public:
  using Error::Error;
};

/// The store will never take this write, however often it is tried: mend the value, or the store.
/// Any other StoreError may be over the next time.
class PermanentStoreError : public StoreError {
 public:
  using StoreError::StoreError;
  /// `keys`: those of the batch that the store refuses, all of them, so that the rest can be
  /// written at once. A store that cannot tell names none.
  PermanentStoreError(const std::string& what, std::vector<std::string> keys)
      : StoreError(what),
        keys_(std::make_shared<const std::vector<std::string>>(std::move(keys))) {}

  [[nodiscard]] const std::vector<std::string>& keys() const noexcept {
    static const std::vector<std::string> none;
    return keys_ ? *keys_ : none;
  }

 private:
  /// Shared with the copies of this exception, which must not throw.
  std::shared_ptr<const std::vector<std::string>> keys_;
};

/// A load took longer than the call would wait: retry later. The load itself goes on.
class LoadTimeout : public Error {
 public:
  using Error::Error;
};

/// What was to survive a crash is damaged or could not be made safe: stop and look.
class DurabilityError : public Error {
 public:
  using Error::Error;
};

/// A call that can never work, for example a key's own function that calls for the same key.
class UsageError : public Error {
 public:
  using Error::Error;
};

}  // namespace tarmac
