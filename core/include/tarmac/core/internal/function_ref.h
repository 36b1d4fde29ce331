// A reference to something callable that does not name its type.
#pragma once

#include <memory>
#include <type_traits>
#include <utility>

namespace tarmac::internal {

template <class Signature>
class FunctionRef;

/// A parameter that any function object with this very result is passed as. It keeps what takes it
/// from being compiled again for each lambda; it costs an indirect call. It must not outlive the
/// function object. Thread-safety: as the function object.
template <class Result, class... Arguments>
class FunctionRef<Result(Arguments...)> {
 public:
  template <class Function,
            class = std::enable_if_t<
                !std::is_same_v<std::remove_cvref_t<Function>, FunctionRef> &&
                std::is_class_v<std::remove_reference_t<Function>> &&
                std::is_same_v<std::invoke_result_t<Function&, Arguments...>, Result>>>
  FunctionRef(Function&& function) noexcept
      : object_(const_cast<void*>(static_cast<const void*>(std::addressof(function)))),
        call_([](void* object, Arguments... arguments) -> Result {
          return (*static_cast<std::remove_reference_t<Function>*>(object))(
              std::forward<Arguments>(arguments)...);
        }) {}

  Result operator()(Arguments... arguments) const {
    return call_(object_, std::forward<Arguments>(arguments)...);
  }

 private:
  void* object_;
  Result (*call_)(void*, Arguments...);
};

}  // namespace tarmac::internal
