// The call of a write policy that a write which was set aside calls for.
#pragma once

#include <tarmac/core/internal/gate.h>
#include <tarmac/core/write_intake.h>

#include <optional>

namespace tarmac::internal {

/// Is made when this goes, whatever was thrown meanwhile: declare it before the shard's lock, which
/// is released by then, and after what may take long to destroy.
///
/// Until then the policy stays where it is, because whoever takes it away closes the gate; nothing
/// else here keeps it. A share of it could be the last one, and its end come when the cache has
/// gone.
class IntakeCall {
 public:
  IntakeCall() = default;
  IntakeCall(const IntakeCall&) = delete;
  IntakeCall& operator=(const IntakeCall&) = delete;
  ~IntakeCall() {
    if (is_due_) intake_->call(since_);
  }

  /// Under the shard's lock. False if the policy may be on its way out.
  [[nodiscard]] bool prepare(Gate& gate, WriteIntake& intake) noexcept {
    intake_ = &intake;
    return passage_.enter(gate);
  }
  /// What it says. Does nothing if it was not prepared.
  void make(const std::optional<SteadyNanos>& since) noexcept {
    is_due_ = passage_.is_inside();
    since_ = since;
  }

 private:
  Gate::TriedPassage passage_;
  WriteIntake* intake_ = nullptr;
  std::optional<SteadyNanos> since_;
  bool is_due_ = false;
};

}  // namespace tarmac::internal
