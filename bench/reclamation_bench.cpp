// What it costs a reader to keep an object alive while it looks at it, scheme by scheme: the
// numbers behind docs/decisions/0009. Each cell reads one shared object, which no writer changes.
#include <benchmark/benchmark.h>
#include <tarmac/core/internal/epoch.h>
#include <urcu/urcu-memb.h>
#include <urcu/urcu-qsbr.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <shared_mutex>

namespace tarmac::bench {
namespace {

struct Object {
  std::uint64_t value = 42;
};

Object shared_object;
std::atomic<Object*> pointer{&shared_object};

std::uint64_t look() { return pointer.load(std::memory_order_acquire)->value; }

void nothing(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(look());
}

void epoch_pin(benchmark::State& state) {
  for (auto _ : state) {
    const internal::EpochPin pin(internal::this_thread_slot());
    benchmark::DoNotOptimize(look());
  }
}

// As EpochPin does where the kernel has no membarrier().
void epoch_pin_with_fence(benchmark::State& state) {
  auto& slot = internal::this_thread_slot();
  for (auto _ : state) {
    slot.pinned.store(2, std::memory_order_release);
    std::atomic_thread_fence(std::memory_order_seq_cst);
    benchmark::DoNotOptimize(look());
    slot.pinned.store(0, std::memory_order_release);
  }
}

void liburcu_memb(benchmark::State& state) {
  urcu_memb_register_thread();
  for (auto _ : state) {
    urcu_memb_read_lock();
    benchmark::DoNotOptimize(look());
    urcu_memb_read_unlock();
  }
  urcu_memb_unregister_thread();
}

void liburcu_qsbr(benchmark::State& state) {
  urcu_qsbr_register_thread();
  for (auto _ : state) {
    urcu_qsbr_read_lock();
    benchmark::DoNotOptimize(look());
    urcu_qsbr_read_unlock();
    urcu_qsbr_quiescent_state();
  }
  urcu_qsbr_unregister_thread();
}

void reference_count(benchmark::State& state) {
  static std::atomic<std::uint32_t> count{1};
  for (auto _ : state) {
    count.fetch_add(1, std::memory_order_relaxed);
    benchmark::DoNotOptimize(look());
    count.fetch_sub(1, std::memory_order_acq_rel);
  }
}

void shared_pointer(benchmark::State& state) {
  static const auto object = std::make_shared<Object>();
  for (auto _ : state) {
    const std::shared_ptr<Object> copy = object;
    benchmark::DoNotOptimize(copy->value);
  }
}

void atomic_shared_pointer(benchmark::State& state) {
  static std::atomic<std::shared_ptr<Object>> object{std::make_shared<Object>()};
  for (auto _ : state) {
    const auto copy = object.load(std::memory_order_acquire);
    benchmark::DoNotOptimize(copy->value);
  }
}

void mutex_lock(benchmark::State& state) {
  static std::mutex mutex;
  for (auto _ : state) {
    const std::lock_guard lock(mutex);
    benchmark::DoNotOptimize(look());
  }
}

void shared_mutex_lock(benchmark::State& state) {
  static std::shared_mutex mutex;
  for (auto _ : state) {
    const std::shared_lock lock(mutex);
    benchmark::DoNotOptimize(look());
  }
}

BENCHMARK(nothing)->ThreadRange(1, 2)->UseRealTime();
BENCHMARK(epoch_pin)->ThreadRange(1, 2)->UseRealTime();
BENCHMARK(epoch_pin_with_fence)->ThreadRange(1, 2)->UseRealTime();
BENCHMARK(liburcu_memb)->ThreadRange(1, 2)->UseRealTime();
BENCHMARK(liburcu_qsbr)->ThreadRange(1, 2)->UseRealTime();
BENCHMARK(reference_count)->ThreadRange(1, 2)->UseRealTime();
BENCHMARK(shared_pointer)->ThreadRange(1, 2)->UseRealTime();
BENCHMARK(atomic_shared_pointer)->ThreadRange(1, 2)->UseRealTime();
BENCHMARK(mutex_lock)->ThreadRange(1, 2)->UseRealTime();
BENCHMARK(shared_mutex_lock)->ThreadRange(1, 2)->UseRealTime();

}  // namespace
}  // namespace tarmac::bench

BENCHMARK_MAIN();
